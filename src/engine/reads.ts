/**
 * Reads on their way to an answer: first a read index (from this replica's core when it leads, else
 * from the leader), then wait until that much is applied here, then answer from the own database.
 */
import { LIMITS } from "../base/limits.ts";
import { Company } from "./company.ts";

/** Always two milliseconds: a question writes nothing, and where the leader is far away sharing one is worth no more. */
const LINGER_MS_MAX = 2;

export type ReadFate =
  /** Everything the read must see is applied here. */
  | { readonly kind: "ready" }
  /** Leadership is unclear; nothing was read. */
  | { readonly kind: "no-leader" }
  | { readonly kind: "expired" };

interface Read {
  readonly expiresAt: number;
  readonly settle: (fate: ReadFate) => void;
}

interface Waiting extends Read {
  /** Applied index the read must see; 0 for none. */
  readonly index: number;
  /** Store revision the read must see; 0 for none. */
  readonly minRevision: number;
}

interface Asking extends Read {
  readonly minRevision: number;
  readonly cameAt: number;
}

/** A question to the leader and the reads that arrived before it left. */
interface Question {
  reads: Asking[];
}

/** What a read index is asked of, and how the answer comes back. */
export type AskReadIndex = (answered: (index: number | null) => void) => void;

export class Reads {
  readonly #ask: AskReadIndex;
  readonly #now: () => number;
  /** The question that is out. */
  #question: Question | null = null;
  /** Arrived after the question left: its answer could be older than they are. */
  #next: Asking[] = [];
  readonly #company = new Company(LINGER_MS_MAX);
  #waiting: Waiting[] = [];
  #earliestExpiry = Number.POSITIVE_INFINITY;

  constructor(ask: AskReadIndex, now: () => number) {
    this.#ask = ask;
    this.#now = now;
  }

  get count(): number {
    return (this.#question?.reads.length ?? 0) + this.#next.length + this.#waiting.length;
  }

  /** Whether the next question should leave now: `ask` does it. */
  isDue(now: number): boolean {
    const [first] = this.#next;
    if (first === undefined || this.#question !== null) return false;
    return this.#company.isDue(now, this.#next.length, first.cameAt);
  }

  /** A timer fired. */
  ticked(): void {
    this.#company.ticked();
  }

  /** A linearizable read, which leaves with the next question. False: too many are waiting. */
  linearizable(
    now: number,
    expiresAt: number,
    minRevision: number,
    settle: (fate: ReadFate) => void,
  ): boolean {
    if (this.count >= LIMITS.readsWaitingMax) return false;
    this.#earliestExpiry = Math.min(this.#earliestExpiry, expiresAt);
    this.#next.push({ expiresAt, minRevision, settle, cameAt: now });
    this.#company.joined(this.#next.length + (this.#question?.reads.length ?? 0));
    return true;
  }

  /** A read that only has to see `minRevision`. False: too many are waiting. */
  atRevision(expiresAt: number, minRevision: number, settle: (fate: ReadFate) => void): boolean {
    if (this.count >= LIMITS.readsWaitingMax) return false;
    this.#earliestExpiry = Math.min(this.#earliestExpiry, expiresAt);
    this.#waiting.push({ expiresAt, index: 0, minRevision, settle });
    return true;
  }

  /** Answers what has become visible. Called after applying. */
  applied(index: number, revision: number): void {
    if (this.#waiting.length === 0) return;
    const ready = this.#waiting.filter((read) => read.index <= index && read.minRevision <= revision);
    if (ready.length === 0) return;
    this.#waiting = this.#waiting.filter((read) => read.index > index || read.minRevision > revision);
    for (const read of ready) read.settle({ kind: "ready" });
  }

  expire(now: number): void {
    if (now < this.#earliestExpiry) return;
    const late: Read[] = [];
    const keep = <T extends Read>(list: T[]): T[] =>
      list.filter((read) => {
        if (read.expiresAt <= now) late.push(read);
        return read.expiresAt > now;
      });
    if (this.#question !== null) this.#question.reads = keep(this.#question.reads);
    this.#next = keep(this.#next);
    this.#waiting = keep(this.#waiting);
    this.#earliestExpiry = Number.POSITIVE_INFINITY;
    for (const read of [...(this.#question?.reads ?? []), ...this.#next, ...this.#waiting]) {
      this.#earliestExpiry = Math.min(this.#earliestExpiry, read.expiresAt);
    }
    for (const read of late) read.settle({ kind: "expired" });
    // Nobody waits for the question that is out any more: whoever came later need not either.
    if (this.#question?.reads.length === 0) this.#question = null;
  }

  /** When somebody's time is over. */
  deadline(): number | null {
    return this.count === 0 ? null : this.#earliestExpiry;
  }

  /** When the next question leaves from a timer; null while none waits for that. */
  askDeadline(): number | null {
    const [first] = this.#next;
    if (first === undefined || this.#question !== null) return null;
    return this.#company.dueAt(this.#next.length, first.cameAt);
  }

  /** One question for all that have come, if it is due; an answer to an earlier one is never used for them. */
  ask(now: number): void {
    if (!this.isDue(now)) return;
    const question: Question = { reads: this.#next };
    this.#next = [];
    this.#question = question;
    this.#company.departed(question.reads.length);
    this.#ask((index) => {
      if (this.#question !== question) return;
      this.#question = null;
      for (const read of question.reads) {
        if (index === null) read.settle({ kind: "no-leader" });
        else this.#waiting.push({ ...read, index });
      }
      this.ask(this.#now());
    });
  }
}
