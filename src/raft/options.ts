/** The core's settings, checked once when it is built. */
import { assert } from "../base/assert.ts";
import { LIMITS } from "../base/limits.ts";

export interface RaftOptions {
  /**
   * A follower campaigns after a silence drawn between once and twice this. Also: how long a
   * follower that heard its leader refuses ballots, how long a leader may miss its quorum before it
   * steps down, and how long a transfer may take. Must exceed a round trip plus a slow commit.
   */
  readonly electionMs: number;
  /** Several must fit into `electionMs`, or one lost heartbeat starts an election. */
  readonly heartbeatMs: number;
  /**
   * How long followers may wait to hear that more is committed when no append is due that would tell
   * them in passing. 0 tells them at once, which costs each write a second call per follower.
   */
  readonly commitNewsMs: number;
  /** A leader that had nothing to do for so long proposes to sleep; 0: never. */
  readonly quiesceMs: number;
  readonly inflightMessagesMax: number;
  readonly inflightBytesMax: number;
  readonly appendBytesMax: number;
  readonly uncommittedBytesMax: number;
  readonly logCacheBytesMax: number;
}

export const DEFAULT_RAFT_OPTIONS: RaftOptions = {
  electionMs: 1500,
  heartbeatMs: 250,
  commitNewsMs: 0,
  quiesceMs: 0,
  inflightMessagesMax: LIMITS.inflightMessagesMax,
  inflightBytesMax: LIMITS.inflightBytesMax,
  appendBytesMax: LIMITS.appendBytesMax,
  uncommittedBytesMax: LIMITS.uncommittedBytesMax,
  logCacheBytesMax: LIMITS.logCacheBytesMax,
};

export function assertRaftOptions(options: RaftOptions): void {
  assert(options.heartbeatMs > 0, "heartbeatMs must be positive");
  assert(options.electionMs >= 2 * options.heartbeatMs, "electionMs must hold at least two heartbeats");
  assert(options.commitNewsMs >= 0, "commitNewsMs must not be negative");
  assert(options.quiesceMs >= 0, "quiesceMs must not be negative");
  assert(options.inflightMessagesMax > 0 && options.inflightBytesMax > 0, "the window must be open");
  assert(options.appendBytesMax > 0 && options.uncommittedBytesMax > 0, "caps must be positive");
}
