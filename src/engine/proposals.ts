/**
 * Clients' writes on their way into the log and back. Writes that arrive while a batch is in flight
 * form the next one: under load many share one log row, one transaction and one call per follower.
 */
import { LIMITS } from "../base/limits.ts";
import type { ApplyOutcome } from "../mvcc/apply-outcome.ts";
import { Company } from "./company.ts";

/** What became of one proposed command, as far as this replica can tell. */
export type ProposalFate =
  | { readonly kind: "outcome"; readonly index: number; readonly outcome: ApplyOutcome }
  /** Certainly not applied: never reached a log, or another entry was committed in its place. */
  | { readonly kind: "lost" }
  /** Still waiting when its time was over, before it reached the log. */
  | { readonly kind: "expired" }
  /** It may or may not be applied, now or later. */
  | { readonly kind: "unknown" };

interface Proposal {
  readonly command: Uint8Array;
  readonly queuedAt: number;
  readonly expiresAt: number;
  readonly settle: (fate: ProposalFate) => void;
  /** Each proposal is answered once, though its entry may be applied after its time is over. */
  settled: boolean;
}

interface Batch {
  readonly index: number;
  readonly term: number;
  readonly proposals: readonly Proposal[];
  readonly proposedAt: number;
}

const BATCHES_IN_FLIGHT_MAX = 8;
/** A batch is a transaction on each replica and a call to each: worth a wait. */
const LINGER_MS_MAX = 10;

export class Proposals {
  #queue: Proposal[] = [];
  #queuedBytes = 0;
  /** Proposed and not yet applied here, by log index, ascending. */
  #inFlight: Batch[] = [];
  /** Not after the first expiry; an early look finds nobody due. */
  #earliestExpiry = Number.POSITIVE_INFINITY;
  readonly #company = new Company(LINGER_MS_MAX);
  /** When the leader last looked whether a batch is due. */
  #lookedAt = 0;
  /** Up to this index, the time that commits took has been noted. */
  #notedIndex = 0;

  get isIdle(): boolean {
    return this.#queue.length === 0 && this.#inFlight.length === 0;
  }

  /** Clients that wait, or waited until their time was over while their entry is not applied. */
  get count(): number {
    return this.#waiting();
  }

  /** False when the queue is full: the caller must be told to slow down. */
  add(now: number, command: Uint8Array, expiresAt: number, settle: (fate: ProposalFate) => void): boolean {
    const full =
      this.#queue.length >= LIMITS.proposalsQueuedMax ||
      this.#queuedBytes + command.length > LIMITS.proposalsQueuedBytesMax;
    if (full) return false;
    this.#queue.push({ command, queuedAt: now, expiresAt, settle, settled: false });
    this.#queuedBytes += command.length;
    this.#earliestExpiry = Math.min(this.#earliestExpiry, expiresAt);
    this.#company.joined(this.#waiting());
    return true;
  }

  /** Whether a batch should be proposed now by the leader of `term`, given what is committed. */
  hasBatch(now: number, commit: number, term: number): boolean {
    this.#lookedAt = now;
    this.#noteRounds(now, commit);
    const [first] = this.#queue;
    if (first === undefined) return false;
    const uncommitted = this.#uncommitted(commit, term);
    if (uncommitted === 0) return this.#company.isDue(now, this.#companions, first.queuedAt);
    return uncommitted < BATCHES_IN_FLIGHT_MAX && this.#queue.length >= LIMITS.pipelineCommandsMin;
  }

  /** When a batch that waits for company goes without; null while none waits. */
  batchDeadline(commit: number, term: number): number | null {
    const [first] = this.#queue;
    if (first === undefined || this.#uncommitted(commit, term) > 0) return null;
    return this.#company.dueAt(this.#companions, first.queuedAt);
  }

  /** A timer fired: whoever could be heard has been. */
  ticked(): void {
    this.#company.ticked();
  }

  /** The commands of the next batch, still queued. */
  nextBatch(): readonly Uint8Array[] {
    const commands: Uint8Array[] = [];
    let bytes = 0;
    for (const { command } of this.#queue) {
      bytes += command.length;
      if (commands.length > 0 && bytes > LIMITS.batchBytesTarget) break;
      commands.push(command);
      if (commands.length === LIMITS.batchCommandsMax) break;
    }
    return commands;
  }

  /** The first `count` commands became the entry at (`index`, `term`). */
  proposed(count: number, index: number, term: number): void {
    const proposals = this.#queue.slice(0, count);
    this.#queue = this.#queue.slice(count);
    for (const { command } of proposals) this.#queuedBytes -= command.length;
    this.#inFlight.push({ index, term, proposals, proposedAt: this.#lookedAt });
    this.#company.departed(this.#waiting());
  }

  /** The entry at (`index`, `term`) was applied: its own proposals succeed, others at that place are lost. */
  applied(index: number, term: number, outcomes: readonly ApplyOutcome[]): void {
    const settled = this.#inFlight.filter((batch) => batch.index <= index);
    if (settled.length === 0) return;
    this.#inFlight = this.#inFlight.filter((batch) => batch.index > index);
    for (const batch of settled) {
      const own = batch.index === index && batch.term === term;
      batch.proposals.forEach((proposal, i) => {
        const outcome = own ? outcomes[i] : undefined;
        settleOnce(proposal, outcome === undefined ? { kind: "lost" } : { kind: "outcome", index, outcome });
      });
    }
  }

  /** This replica leads no more: what never reached its log never will. The rest is decided by what gets applied. */
  leadershipLost(): void {
    const queue = this.#queue;
    this.#queue = [];
    this.#queuedBytes = 0;
    for (const proposal of queue) settleOnce(proposal, { kind: "lost" });
  }

  /** A snapshot replaced the entries up to `index`: whose they were cannot be told any more. */
  snapshotInstalled(index: number): void {
    const passed = this.#inFlight.filter((batch) => batch.index <= index);
    this.#inFlight = this.#inFlight.filter((batch) => batch.index > index);
    for (const batch of passed) {
      for (const proposal of batch.proposals) settleOnce(proposal, { kind: "unknown" });
    }
  }

  /** Answers everybody whose time is over. */
  expire(now: number): void {
    if (now < this.#earliestExpiry) return;
    let earliest = Number.POSITIVE_INFINITY;
    const queue: Proposal[] = [];
    for (const proposal of this.#queue) {
      if (proposal.expiresAt > now) {
        queue.push(proposal);
        earliest = Math.min(earliest, proposal.expiresAt);
        continue;
      }
      this.#queuedBytes -= proposal.command.length;
      settleOnce(proposal, { kind: "expired" });
    }
    this.#queue = queue;
    // A batch keeps its place until its entry is applied: only that tells what became of the others.
    for (const proposal of this.#inFlight.flatMap((batch) => batch.proposals)) {
      if (proposal.settled) continue;
      if (proposal.expiresAt <= now) settleOnce(proposal, { kind: "unknown" });
      else earliest = Math.min(earliest, proposal.expiresAt);
    }
    this.#earliestExpiry = earliest;
  }

  /** When `expire` next has somebody to answer, or earlier; null for nobody. */
  deadline(): number | null {
    if (this.isIdle || this.#earliestExpiry === Number.POSITIVE_INFINITY) return null;
    return this.#earliestExpiry;
  }

  /**
   * Batches that this leadership has on their way. Those of an earlier one may be gone from the log: they
   * are answered when something is applied at their place, and until then keep nobody waiting.
   */
  #uncommitted(commit: number, term: number): number {
    const isOut = (batch: Batch): boolean => batch.index > commit && batch.term === term;
    return this.#inFlight.reduce((count, batch) => count + (isOut(batch) ? 1 : 0), 0);
  }

  #waiting(): number {
    return this.#inFlight.reduce((count, batch) => count + batch.proposals.length, this.#queue.length);
  }

  #noteRounds(now: number, commit: number): void {
    for (const { index, proposedAt } of this.#inFlight) {
      if (index > commit || index <= this.#notedIndex) continue;
      this.#notedIndex = index;
      this.#company.returned(now - proposedAt);
    }
  }

  /** Those who can leave together; a full batch waits for nobody. */
  get #companions(): number {
    return this.#queue.length >= LIMITS.batchCommandsMax ? Number.POSITIVE_INFINITY : this.#queue.length;
  }
}

function settleOnce(proposal: Proposal, fate: ProposalFate): void {
  if (proposal.settled) return;
  proposal.settled = true;
  proposal.settle(fate);
}
