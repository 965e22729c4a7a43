/** Watch calls: answered from history at once where there is something to tell, else left to the hub. */
import { LIMITS } from "../base/limits.ts";
import { needsOfWatch } from "../mvcc/auth/visitor.ts";
import type { NodeId } from "../raft/types.ts";
import type { Access } from "./access.ts";
import type { ClientReads } from "./client-reads.ts";
import type { EngineContext } from "./engine-context.ts";
import type { Unavailable, WatchCall, WatchRefusal, WatchReply } from "./replica-api.ts";
import { unavailable } from "./replies.ts";
import { WatchHub } from "./watch-hub.ts";
import { isAnswer, readWatch, type WatchFindings } from "./watch-reader.ts";

const LEADERLESS_WAIT_MS = 1_000;

type Done = (reply: WatchReply) => void;

export class WatchCalls {
  readonly #context: EngineContext;
  readonly #reads: ClientReads;
  readonly #hub = new WatchHub();
  readonly #access: Access;
  #leader: NodeId | null = null;

  constructor(context: EngineContext, reads: ClientReads, access: Access) {
    this.#context = context;
    this.#reads = reads;
    this.#access = access;
  }

  /** `done` is called once, `timeoutMs` and `waitMs` later at the latest if time is told in time. */
  watch(now: number, call: WatchCall, done: Done): void {
    if (call.ranges.length > LIMITS.watchRangesMax) {
      done(this.#refusal("overloaded", `${call.ranges.length} ranges are too many for one call`));
      return;
    }
    const whenFresh = (reply: { readonly kind: "fresh" } | Unavailable): void => {
      if (reply.kind === "fresh") this.#serve(call, done);
      else done(reply);
    };
    this.#reads.whenFresh<{ readonly kind: "fresh" }>(now, call, whenFresh, () => ({ kind: "fresh" }));
  }

  /** Entries may have been applied. Called in their turn, before anything is deleted. */
  applied(): void {
    const { machine } = this.#context;
    // Who asks again is told when there is a whole history.
    if (machine.isRestoring) this.#hub.dismissAll();
    else this.#hub.applied(() => machine.history(), machine.state());
  }

  /** Who waits at a replica that lost its leader hears nothing new here, perhaps for long. */
  leaderIs(leader: NodeId | null): void {
    if (leader === null && this.#leader !== null) this.#hub.dismissAll();
    this.#leader = leader;
  }

  expire(now: number): void {
    this.#hub.expire(now);
  }

  deadline(): number | null {
    return this.#hub.deadline();
  }

  /** Outside of turns, as all answers. */
  #serve(call: WatchCall, done: Done): void {
    const { machine, now, raft } = this.#context;
    const refused = this.#refused(call);
    if (call.consistency === "serializable" && refused.some(({ error }) => error === "invalidAuthToken")) {
      // The token may be newer than what is applied here.
      this.watch(now, { ...call, consistency: "linearizable" }, done);
      return;
    }
    if (refused.length > 0) {
      done(this.#refusedReply(refused));
      return;
    }
    const bytesMax = Math.min(call.bytesMax, LIMITS.watchBytesMax);
    const history = machine.history();
    const findings = readWatch(history, { ...call, bytesMax });
    if (call.waitMs <= 0 || call.ranges.length === 0 || isAnswer(findings, history, call.ranges)) {
      done(this.#reply(findings));
      return;
    }
    const tell = (later: WatchFindings): void => {
      this.#context.afterTurn(() => {
        // Permissions may have been taken away meanwhile.
        const refusedNow = this.#refused(call);
        done(refusedNow.length > 0 ? this.#refusedReply(refusedNow) : this.#reply(later));
      });
    };
    // Without a leader nothing happens here, and somebody else may have one.
    const waitMs = raft.core.leader === null ? Math.min(call.waitMs, LEADERLESS_WAIT_MS) : call.waitMs;
    const waits = this.#hub.add(history, { ...call, bytesMax }, now + waitMs, tell);
    if (!waits) done(this.#refusal("overloaded", "too many watches wait on this replica; ask another one"));
  }

  /** The ranges of which whoever asks may know nothing. */
  #refused({ token, ranges }: WatchCall): readonly WatchRefusal[] {
    const { now } = this.#context;
    return ranges.flatMap(({ key, rangeEnd }, place) => {
      const error = this.#access.refusal(now, token, needsOfWatch(key, rangeEnd));
      return error === null ? [] : [{ place, error }];
    });
  }

  /** Tells nothing else, and no progress: whoever watches the other ranges asks for them again. */
  #refusedReply(refused: readonly WatchRefusal[]): WatchReply {
    const { compactRevision } = this.#context.machine.state();
    const header = this.#context.header();
    const next = { revision: 0, sub: 0 };
    return { kind: "watched", header, events: [], next, compacted: [], compactRevision, refused };
  }

  #reply(findings: WatchFindings): WatchReply {
    const { machine } = this.#context;
    return {
      kind: "watched",
      header: this.#context.header(),
      isGuarded: machine.auth.isEnabled,
      ...findings,
    };
  }

  #refusal(reason: Unavailable["reason"], message: string): Unavailable {
    return unavailable(reason, message, this.#context.header());
  }
}
