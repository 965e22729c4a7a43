/** Runs every invariant over every step. One checker watches one cluster over its whole life. */

import type { NodeId } from "../../../src/raft/types.ts";
import { LogTracker } from "./log-tracker.ts";
import { History, type Invariant, type NodeObservation, type NodeSummary, summarize } from "./observation.ts";
import type { NodeView, StepView } from "./view.ts";

/** Between these the logs are compared by their changed ends only. */
const WHOLE_COMPARISON_EVERY_STEPS = 256;

interface Watched {
  readonly durable: LogTracker;
  live: LogTracker;
  summary: NodeSummary | null;
  ledUnheard: number | null;
}

export class Checker {
  readonly history = new History();
  readonly #invariants: readonly Invariant[];
  readonly #watched = new Map<NodeId, Watched>();
  #steps = 0;

  constructor(invariants: readonly Invariant[]) {
    this.#invariants = invariants;
  }

  check(step: StepView): void {
    this.#steps += 1;
    const { touched, departures, reads, writes } = step;
    // Nothing to look at: many steps of a whole cluster in a simulator are like this.
    if (touched.length + departures.length + reads.length + writes.length === 0) return;
    const whole = this.#steps % WHOLE_COMPARISON_EVERY_STEPS === 0;
    const nodes: NodeObservation[] = [];
    for (const id of touched) {
      const node = step.node(id);
      if (node !== null) nodes.push(this.#observe(node, whole));
    }
    const observation = { step, nodes, history: this.history };
    for (const invariant of this.#invariants) invariant.check(observation);
    for (const observation of nodes) {
      const { node, liveBefore } = observation;
      const summary = summarize(node);
      this.#watch(node.id).summary = { ...summary, live: summary.live ?? liveBefore };
    }
  }

  /**
   * A node whose term is not durable yet is seen as down: nobody has heard of that term, a crash
   * takes it back, and it may then be lived again in another way. Its disk is seen all the same.
   */
  #observe(actual: NodeView, whole: boolean): NodeObservation {
    const unheard = actual.live !== null && actual.live.term > actual.durable.term;
    const node = unheard ? { ...actual, live: null } : actual;
    const watched = this.#watch(node.id);
    const before = watched.summary;
    const restarted = before?.incarnation !== node.incarnation;
    if (restarted) {
      watched.live = new LogTracker();
      watched.ledUnheard = null;
    }
    const { ledUnheard } = watched;
    if (!unheard) watched.ledUnheard = null;
    else if (actual.live?.role === "leader") watched.ledUnheard = actual.live.term;
    return {
      node,
      before,
      liveBefore: restarted ? null : before.live,
      ledUnheard: unheard ? null : ledUnheard,
      durableChange: watched.durable.observe(node.durable.log, whole),
      liveChange: node.live === null ? null : watched.live.observe(node.live.log, whole),
    };
  }

  #watch(id: NodeId): Watched {
    let watched = this.#watched.get(id);
    if (watched === undefined) {
      watched = { durable: new LogTracker(), live: new LogTracker(), summary: null, ledUnheard: null };
      this.#watched.set(id, watched);
    }
    return watched;
  }
}
