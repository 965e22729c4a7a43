/** A step as the invariants see it: what is, what was, and what changed in the logs. */
import type { Entry, NodeId, Role } from "../../../src/raft/types.ts";
import { entryDigest } from "./digest.ts";
import type { LogChange } from "./log-tracker.ts";
import type { LiveView, NodeView, StepView } from "./view.ts";

/** The part of a node's state that is remembered from one step to the next. */
export interface NodeSummary {
  readonly incarnation: number;
  readonly durable: DurableSummary;
  /** Null when the node was down, or ran in another incarnation. */
  readonly live: LiveSummary | null;
}

export interface DurableSummary {
  readonly term: number;
  readonly vote: NodeId | null;
  readonly commit: number;
  readonly applied: number;
}

export interface LiveSummary extends DurableSummary {
  readonly role: Role;
  readonly match: ReadonlyMap<NodeId, number>;
}

export interface NodeObservation {
  readonly node: NodeView;
  readonly before: NodeSummary | null;
  /** `node.live`, and what it was before in the same incarnation; null when down or just started. */
  readonly liveBefore: LiveSummary | null;
  /** A term that the node led while it was seen as down, before the term became durable; else null. */
  readonly ledUnheard: number | null;
  readonly durableChange: LogChange;
  /** Null when down. On the first step of an incarnation everything counts as added. */
  readonly liveChange: LogChange | null;
}

export interface Observation {
  readonly step: StepView;
  /** The touched nodes. */
  readonly nodes: readonly NodeObservation[];
  readonly history: History;
}

/** What several invariants need to know of the past. */
export class History {
  /** Who led which term. */
  readonly leaders = new Map<number, NodeId>();
  /** Committed durably by some node, index 1 at position 0. Never shrinks. */
  readonly #committed: Entry[] = [];
  /** For each of them, a term by which it was committed. */
  readonly #committedBy: number[] = [];
  /** The highest index that any leader has ever counted as committed, durable or not. */
  leaderCommitMax = 0;

  get committedMax(): number {
    return this.#committed.length;
  }

  committed(index: number): Entry | null {
    return this.#committed[index - 1] ?? null;
  }

  /** The term by whose end the entry at `index` was committed: leaders of later terms must have it. */
  committedBy(index: number): number {
    return this.#committedBy[index - 1] ?? Number.POSITIVE_INFINITY;
  }

  /**
   * Notes that `entry` is committed on a node whose durable term is `term`; returns whether it is the one
   * known there. Every node that says so may lower the term by which it was committed.
   */
  noteCommitted(entry: Entry, term = Number.POSITIVE_INFINITY): boolean {
    const known = this.committed(entry.index);
    if (known !== null) {
      this.#committedBy[entry.index - 1] = Math.min(term, this.committedBy(entry.index));
      return entryDigest(known) === entryDigest(entry);
    }
    if (entry.index !== this.committedMax + 1) return false;
    this.#committed.push(entry);
    this.#committedBy.push(term);
    return true;
  }
}

/** An invariant keeps what memory it needs between steps and throws a Violation. */
export interface Invariant {
  readonly name: string;
  check(observation: Observation): void;
}

export function summarize(node: NodeView): NodeSummary {
  const { term, vote, commit, applied } = node.durable;
  return {
    incarnation: node.incarnation,
    durable: { term, vote, commit, applied },
    live: node.live === null ? null : summarizeLive(node.live),
  };
}

/** Of everybody who does not lead. */
const NO_MATCH: ReadonlyMap<NodeId, number> = new Map();

function summarizeLive(live: LiveView): LiveSummary {
  const { term, vote, commit, applied, role, followers } = live;
  const match = followers.length === 0 ? NO_MATCH : new Map(followers.map((f) => [f.id, f.match]));
  return { term, vote, commit, applied, role, match };
}

/** True when the node leads now or led this same term before the step. */
export function leadsOrLed(observation: NodeObservation): boolean {
  const { live } = observation.node;
  if (live === null) return false;
  const { liveBefore } = observation;
  if (live.role === "leader" || observation.ledUnheard === live.term) return true;
  return liveBefore?.role === "leader" && liveBefore.term === live.term;
}

/** True when the node has just become leader; it may have stepped down again before anybody heard of it. */
export function becameLeader(observation: NodeObservation): boolean {
  const { live } = observation.node;
  if (live === null) return false;
  const { liveBefore } = observation;
  const ledBefore = liveBefore?.role === "leader" && liveBefore.term === live.term;
  return !ledBefore && (live.role === "leader" || observation.ledUnheard === live.term);
}
