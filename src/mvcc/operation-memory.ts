import { fromBinary } from "@bufbuild/protobuf";
import { assert, defined } from "../base/assert.ts";
import { EMPTY_BYTES, mapKey } from "../base/bytes.ts";
import { LIMITS } from "../base/limits.ts";
import type { Sql } from "../base/sql.ts";
import { isErrorKey } from "../wire/errors.ts";
import { type RememberedAnswer, RememberedAnswersSchema } from "../wire/gen/edged_pb.ts";
import type { ApplyOutcome } from "./apply-outcome.ts";
import { blob, integer } from "./columns.ts";
import { encodeHeaderOnly } from "./header-only.ts";
import { MEMORY_STATEMENTS, type MemoryStatements } from "./memory-statements.ts";
import type { Generation, RecentAnswers } from "./mvcc-state.ts";
import { encodeAnswers, type NewAnswer } from "./new-answers.ts";
import { rememberedIds } from "./remembered-ids.ts";

/** Rows read by one statement while the ids are loaded; each is at most about 1 MiB. */
const LOAD_ROWS = 32;
/**
 * Rows and ids that left the window are deleted once in so many commands: to come to a map's oldest
 * entry is a walk over all that were deleted before it.
 */
const PRUNE_EVERY = 64;

/**
 * What became of the newest operations, so that a retry is answered and not run again.
 *
 * The window is decided by sequence numbers alone and so is the same on every replica: a command is
 * remembered while at most `LIMITS.dedupOperationsMax` commands came after it. An original and its
 * retry both carry the `seen` of the first attempt, and the original's sequence number is at least
 * that; hence a retry that is not superseded finds its original in the window, if there was one.
 * Answers first gather in `recent`, which the caller stores with the counters, and go to one row when
 * they are many: the row is then never written again. In memory are only these, and ids with their
 * sequence numbers, loaded when first needed.
 */
export class OperationMemory {
  readonly #sql: Sql;
  readonly #statements: MemoryStatements;
  /** Id (as a map's key) -> sequence number, oldest first; a few left the window. Null until the first command with an id. */
  #sequences: Map<string, number> | null = null;
  /** Answers of earlier entries that are in no row. */
  #recent: RecentAnswers | null;
  /** Answers of the entry being applied; they join the recent ones at its end. */
  #answers: NewAnswer[] = [];
  #answersBytes = 0;
  #entrySequence = 0;

  /** `recent`: as it was stored. */
  constructor(sql: Sql, generation: Generation, recent: RecentAnswers | null) {
    this.#sql = sql;
    this.#statements = MEMORY_STATEMENTS[generation];
    this.#recent = recent;
  }

  /** What the caller has to store, in the transaction that applied the entries. */
  get recent(): RecentAnswers | null {
    return this.#recent;
  }

  /** `sequence` is that of the entry's first command. */
  beginEntry(sequence: number): void {
    this.#answers = [];
    this.#answersBytes = 0;
    this.#entrySequence = sequence;
  }

  /** What a command that has `sequence` should be answered instead of being run, or null. */
  recall(opId: Uint8Array, seen: number, sequence: number, revision: number): ApplyOutcome | null {
    const sequences = this.#load(sequence);
    const id = mapKey(opId);
    const original = sequences.get(id);
    if (original !== undefined) {
      if (original >= windowStart(sequence)) return this.#find(original);
      // It is to come again as the newest: the map is in order, so that what is old is found in front.
      sequences.delete(id);
    }
    // One stricter than an exact `seen` needs: a gateway says 1 where it means 0.
    if (seen + LIMITS.dedupOperationsMax <= sequence) return { kind: "superseded", revision };
    return null;
  }

  /** Remembers the outcome of a command that was just run. */
  remember(opId: Uint8Array, sequence: number, outcome: ApplyOutcome): void {
    assert(outcome.kind !== "superseded", "a superseded command was not run");
    this.#answers.push({ opId, sequence, outcome: this.#fits(outcome) ? outcome : lost(outcome.revision) });
    this.#load(sequence).set(mapKey(opId), sequence);
  }

  /** Keeps the entry's answers. `next` is the sequence number of the command after it. */
  endEntry(next: number, isPinned: boolean): void {
    if (this.#answers.length > 0) this.#keep();
    // Deleting is local: what is remembered is decided by the window, not by the rows or in memory.
    if (Math.floor(next / PRUNE_EVERY) === Math.floor(this.#entrySequence / PRUNE_EVERY)) return;
    if (this.#sequences !== null) forget(this.#sequences, windowStart(next));
    if (!isPinned) this.#sql.run(this.#statements.prune, windowStart(next));
  }

  /** Every answer remembered before the command `sequence`, oldest first. */
  *remembered(sequence: number): Generator<readonly [number, RememberedAnswer], void> {
    const start = windowStart(sequence);
    for (const [entry, ops] of this.#rows(start)) {
      for (const answer of fromBinary(RememberedAnswersSchema, ops).answers) {
        if (entry + answer.position >= start) yield [entry + answer.position, answer];
      }
    }
  }

  #keep(): void {
    const first = this.#recent?.first ?? this.#entrySequence;
    const older = this.#recent?.answers ?? EMPTY_BYTES;
    const newer = encodeAnswers(this.#answers, first);
    // Encoded lists behind each other are one list.
    const answers = new Uint8Array(older.length + newer.length);
    answers.set(older);
    answers.set(newer, older.length);
    this.#recent = answers.length > LIMITS.dedupRecentBytesMax ? null : { first, answers };
    if (this.#recent === null) this.#sql.run(this.#statements.insert, first, answers);
  }

  /** The rows that may hold commands from `start` on, in pages; the recent answers are the last. */
  *#rows(start: number): Generator<readonly [number, Uint8Array], void> {
    const first = this.#sql.first(this.#statements.rowOf, start);
    let from = first === null ? 0 : integer(first, 0);
    for (;;) {
      const rows = this.#sql.all(this.#statements.page, from, LOAD_ROWS);
      for (const row of rows) {
        from = integer(row, 0) + 1;
        yield [from - 1, blob(row, 1)];
      }
      if (rows.length < LOAD_ROWS) break;
    }
    if (this.#recent !== null) yield [this.#recent.first, this.#recent.answers];
  }

  #load(sequence: number): Map<string, number> {
    if (this.#sequences !== null) return this.#sequences;
    const start = windowStart(sequence);
    const sequences = new Map<string, number>();
    for (const [entry, ops] of this.#rows(start)) {
      for (const [opId, position] of rememberedIds(ops)) {
        if (entry + position >= start) sequences.set(mapKey(opId), entry + position);
      }
    }
    assert(this.#answers.length === 0, "an entry's first id loads the memory before it is answered");
    this.#sequences = sequences;
    return sequences;
  }

  /** A refusal is always short. */
  #fits(outcome: ApplyOutcome): boolean {
    if (outcome.kind !== "applied" || !outcome.complete) return true;
    const bytes = outcome.response.length;
    if (bytes > LIMITS.dedupAnswerBytesMax) return false;
    if (this.#answersBytes + bytes > LIMITS.dedupEntryBytesMax) return false;
    this.#answersBytes += bytes;
    return true;
  }

  #find(sequence: number): ApplyOutcome {
    if (sequence >= this.#entrySequence) {
      const answer = this.#answers.find((one) => one.sequence === sequence);
      return defined(answer, "an operation of this entry has an answer").outcome;
    }
    const [first, ops] = this.#rowAround(sequence);
    const { answers } = fromBinary(RememberedAnswersSchema, ops);
    const answer = answers.find(({ position }) => first + position === sequence);
    return toOutcome(defined(answer, "a remembered operation has an answer"));
  }

  #rowAround(sequence: number): readonly [number, Uint8Array] {
    const recent = this.#recent;
    if (recent !== null && sequence >= recent.first) return [recent.first, recent.answers];
    const row = defined(
      this.#sql.first(this.#statements.rowOf, sequence),
      "a remembered operation has a row",
    );
    return [integer(row, 0), blob(row, 1)];
  }
}

/** Commands with a lower sequence number are not remembered when the command `sequence` is applied. */
function windowStart(sequence: number): number {
  return Math.max(0, sequence - LIMITS.dedupOperationsMax);
}

function forget(sequences: Map<string, number>, start: number): void {
  for (const [id, sequence] of sequences) {
    if (sequence >= start) return;
    sequences.delete(id);
  }
}

function toOutcome(answer: RememberedAnswer): ApplyOutcome {
  const revision = Number(answer.revision);
  if (answer.error !== "") {
    assert(isErrorKey(answer.error), `remembered error ${answer.error} is unknown`);
    return { kind: "rejected", error: answer.error, revision };
  }
  if (!answer.lost) {
    // A copy: the answer is a view of the whole row, which a call between objects would send.
    return { kind: "applied", revision, response: answer.response.slice(), complete: true };
  }
  return lost(revision);
}

/** Stands for an answer whose body is not remembered. */
function lost(revision: number): ApplyOutcome & { kind: "applied" } {
  return { kind: "applied", revision, response: encodeHeaderOnly(revision), complete: false };
}
