/**
 * The first statements of a database, from the empty one to its last table. Every object's are the
 * same, and making tables and preparing statements for them costs as much as a minute of its life. So
 * a database that was used before is emptied and used again, tables and statements included, and this
 * makes sure that nobody can tell: what is asked of it must be, text by text, what was once asked of an
 * empty database. Anything else is asked of a really empty one.
 */
import type { Write } from "./write.ts";

/** What was asked before a table was made. */
interface Step {
  readonly statement: string;
  readonly makesTable: boolean;
  /** Reads before it, and after the step before. */
  readonly reads: ReadonlySet<string>;
}

/** How a database came to its tables. */
export type Model = readonly Step[];

/**
 * What becomes of a write: `new` ones are to be made, those that are `there` were; `unlike`: the model was
 * left, and the database is not what it would be.
 */
export type Outcome = "new" | "there" | "unlike";

/** Statements that are noted at most: tables come first. */
const STEPS_MAX = 256;

/** Whether it may change what tables there are. */
export function isSchema(statement: string): boolean {
  return /^\s*(CREATE|ALTER|DROP)\b/i.test(statement);
}

/** Whether it changes nothing when it is made once more: every start begins with one of these. */
export function isIdempotent(statement: string): boolean {
  return /^\s*CREATE \w+ IF NOT EXISTS\b/i.test(statement);
}

export class Founding {
  /** Made so far. */
  readonly writes: Write[] = [];
  readonly #model: Model | null;
  readonly #steps: Step[] = [];
  #reads = new Set<string>();

  /** `model`: the database has the tables of this one, and no rows; null: it is empty. */
  constructor(model: Model | null) {
    this.#model = model;
  }

  /** The database has more than was asked for so far. */
  get isFollowing(): boolean {
    return this.#model !== null;
  }

  /** Everything that the model has was asked for. */
  get isOver(): boolean {
    return this.writes.length === this.#model?.length;
  }

  /** To be called before the write is made. */
  write(write: Write): Outcome {
    const { statement } = write;
    if (this.#model === null) {
      this.#note(statement);
      return "new";
    }
    const step = this.#model[this.writes.length];
    if (step?.statement !== statement) return "unlike";
    this.writes.push(write);
    return step.makesTable ? "there" : "new";
  }

  /** False: the model was left. */
  read(statement: string): boolean {
    if (this.#model !== null) return this.#model[this.writes.length]?.reads.has(statement) === true;
    this.#reads.add(statement);
    return true;
  }

  /** Of an empty database: how it came to its tables; null if it did not, or not in time. */
  model(): Model | null {
    const last = this.#steps.findLastIndex(({ makesTable }) => makesTable);
    // Of tables that are dropped none would be found where it is to be made again.
    const isSimple = this.#steps.every(({ statement }) => !/^\s*DROP\b/i.test(statement));
    return last === -1 || !isSimple || this.#steps.length > STEPS_MAX ? null : this.#steps.slice(0, last + 1);
  }

  #note(statement: string): void {
    if (this.#steps.length > STEPS_MAX) return;
    const isAgain = isIdempotent(statement) && this.#steps.some((step) => step.statement === statement);
    this.#steps.push({ statement, makesTable: isSchema(statement) && !isAgain, reads: this.#reads });
    this.#reads = new Set();
  }
}
