/** Who has acted as leader in which term. Only leaders send appends, heartbeats and snapshots. */
import type { Message } from "../../../src/raft/message.ts";

export interface LeaderLedgerReport {
  readonly terms: readonly { readonly term: number; readonly leaders: readonly string[] }[];
}

export class LeaderLedger {
  readonly #leaders = new Map<number, Set<string>>();

  /** Notes what `sender` claims by sending `message`. */
  sent(sender: string, message: Message): void {
    if (message.kind !== "append" && message.kind !== "heartbeat" && message.kind !== "snapshot") return;
    const leaders = this.#leaders.get(message.term);
    if (leaders === undefined) this.#leaders.set(message.term, new Set([sender]));
    else leaders.add(sender);
  }

  report(): LeaderLedgerReport {
    return { terms: [...this.#leaders].map(([term, leaders]) => ({ term, leaders: [...leaders] })) };
  }
}
