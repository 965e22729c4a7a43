import { LIMITS } from "../../base/limits.ts";
import type { HistoryPosition, WatchEvent, WatchRange } from "../../engine/replica-api.ts";

/** Events to be told at once: whole revisions. */
export interface Telling {
  readonly events: readonly WatchEvent[];
  /** Not whole: more of the last revision follows. */
  readonly isFragment: boolean;
}

/** One watched range and how far its changes were told. Positions only ever grow. */
export class WatchedRange {
  readonly #range: Omit<WatchRange, "from">;
  /** Bytes of one revision that are held until it is whole. */
  readonly #holdBytesMax: number;
  #from: HistoryPosition;
  #toldRevision: number;
  /** Events of a revision whose rest is yet to come. */
  #held: readonly WatchEvent[] = [];
  #heldBytes = 0;
  isActive = true;

  /** `mayCut`: its client puts revisions together itself. */
  constructor(range: Omit<WatchRange, "from">, fromRevision: number, mayCut: boolean) {
    this.#range = range;
    this.#from = { revision: fromRevision, sub: 0 };
    this.#toldRevision = fromRevision - 1;
    this.#holdBytesMax = mayCut ? 0 : LIMITS.watchRevisionBytesMax;
  }

  /** What to ask for next. */
  get range(): WatchRange {
    return { ...this.#range, from: this.#from };
  }

  get prevKv(): boolean {
    return this.#range.prevKv;
  }

  /** Everything up to this revision was told. */
  get toldRevision(): number {
    return this.#toldRevision;
  }

  /** What `take` gave was told. */
  confirm(): void {
    this.#toldRevision = this.#from.revision - 1;
  }

  /** Takes the answer to what was asked last, complete up to `next`; returns what to tell now. */
  take(events: readonly WatchEvent[], next: HistoryPosition): readonly Telling[] {
    const fresh = events.filter(({ at }) => !isBefore(at, this.#from));
    if (isBefore(this.#from, next)) this.#from = next;
    if (this.#from.sub === 0) return this.#release(fresh);
    const isRest = ({ at }: WatchEvent): boolean => at.revision === this.#from.revision;
    const whole = fresh.filter((event) => !isRest(event));
    const rest = fresh.filter(isRest);
    const isOver = this.#held.some((event) => !isRest(event));
    const tellings = whole.length > 0 || isOver ? [...this.#release(whole)] : [];
    const bytes = rest.reduce((sum, { event, prevKv }) => sum + event.length + (prevKv?.length ?? 0), 0);
    if (rest.length > 0 && this.#held.length > 0 && this.#heldBytes + bytes > this.#holdBytesMax) {
      // The newest part is held in any case: it may be the last one, which must not be called a fragment.
      tellings.push({ events: this.#held, isFragment: true });
      this.#held = [];
      this.#heldBytes = 0;
    }
    this.#held = [...this.#held, ...rest];
    this.#heldBytes += bytes;
    return tellings;
  }

  #release(more: readonly WatchEvent[]): readonly Telling[] {
    const events = [...this.#held, ...more];
    this.#held = [];
    this.#heldBytes = 0;
    return events.length > 0 ? [{ events, isFragment: false }] : [];
  }
}

function isBefore(a: HistoryPosition, b: HistoryPosition): boolean {
  return a.revision < b.revision || (a.revision === b.revision && a.sub < b.sub);
}
