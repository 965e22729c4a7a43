/**
 * While a follower pulls a snapshot, the log that follows the snapshot stays: or the follower, with
 * the last row, would need the next snapshot, for as long as the load lasts (etcd's endless snapshots).
 */
import type { PeerAnswer, PeerEnvelope, PullAnswer, PullRequest } from "../../../src/engine/peer-api.ts";
import { Violation } from "../../raft/invariants/violation.ts";
import { hostOf, type Instance } from "../platform/instance.ts";
import type { SimObject } from "../platform/sim-object.ts";

export class SessionKeepsLog {
  /** By session: the index it was offered for. */
  readonly #offers = new Map<string, number>();

  sent({ messages }: PeerEnvelope): void {
    this.#note(messages);
  }

  answered(answer: PeerAnswer): void {
    if (answer.kind === "messages") this.#note(answer.messages);
  }

  /** What is wrong with the log of `source`, which has just answered the pull. */
  problem(
    source: SimObject,
    instance: Instance,
    { session }: PullRequest,
    answer: PullAnswer,
  ): Violation | null {
    const index = this.#offers.get(session);
    const log = hostOf(instance).engine?.raft.core.log;
    if (answer.kind !== "chunk" || index === undefined || log === undefined) return null;
    if (log.snapshot.index <= index) return null;
    const { name } = source;
    return new Violation(
      "session-keeps-log",
      `${name} sends its state at ${index}, and its log begins after ${log.snapshot.index}`,
    );
  }

  #note(messages: PeerEnvelope["messages"]): void {
    for (const message of messages) {
      if (message.kind === "snapshot") this.#offers.set(message.session, message.index);
    }
  }
}
