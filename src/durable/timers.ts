/**
 * A replica's one timer, over the two that an object has. The alarm survives everything and is
 * enough alone, but each setting is a billed row and it may be a minute late; a timer in memory is
 * fine and free, and gone with the memory. So memory keeps the time while the object is awake, and
 * the alarm stands behind it as a backstop that is moved as rarely as possible.
 */

/** The alarm slot of an object. */
export interface AlarmSlot {
  set(atMs: number): void;
  /** No alarm is needed any more. */
  clear(): void;
}

/** Timers that live as long as the object's memory. Returns what cancels the timer. */
export type MemoryTimer = (delayMs: number, fire: () => void) => () => void;

export interface TimersParts {
  readonly alarm: AlarmSlot;
  readonly now: () => number;
  /** Called when something may be due. */
  readonly fire: () => void;
  /** Null: alarms only. */
  readonly memory: MemoryTimer | null;
  /** How far behind a deadline the alarm stands while memory keeps the time. */
  readonly backstopMs: number;
}

/** The longest delay of setTimeout; longer ones would fire at once. */
const TIMEOUT_MS_MAX = 2 ** 31 - 1;

export class Timers {
  readonly #parts: TimersParts;
  #cancel: (() => void) | null = null;
  #timerAt = Number.POSITIVE_INFINITY;
  /** When the alarm fires; infinite while it is not known to be set. */
  #alarmAt = Number.POSITIVE_INFINITY;

  constructor(parts: TimersParts) {
    this.#parts = parts;
  }

  /**
   * Makes sure that `fire` is called at `deadline` or before; null: never needed, and no alarm stays
   * that would wake the object. A deadline that moved away changes nothing: the timer fires, finds
   * nothing due, and is armed anew. `lasting` is the deadline of what outlives the memory: the alarm
   * is for that alone.
   */
  arm(deadline: number | null, lasting: number | null = deadline): void {
    const { memory, backstopMs } = this.#parts;
    if (deadline === null) this.#stopMemory();
    else if (memory !== null) this.#armMemory(memory, deadline);
    const wanted = memory === null ? deadline : lasting;
    if (wanted === null) {
      this.#clearAlarm();
      return;
    }
    const alarmAt = memory !== null ? wanted + backstopMs : wanted;
    if (alarmAt >= this.#alarmAt) return;
    this.#alarmAt = alarmAt;
    this.#parts.alarm.set(alarmAt);
  }

  /** The platform fired the alarm: the slot is free. */
  alarmFired(): void {
    this.#alarmAt = Number.POSITIVE_INFINITY;
  }

  #stopMemory(): void {
    this.#cancel?.();
    this.#cancel = null;
    this.#timerAt = Number.POSITIVE_INFINITY;
  }

  #clearAlarm(): void {
    if (this.#alarmAt === Number.POSITIVE_INFINITY) return;
    this.#alarmAt = Number.POSITIVE_INFINITY;
    this.#parts.alarm.clear();
  }

  #armMemory(memory: MemoryTimer, deadline: number): void {
    if (deadline >= this.#timerAt) return;
    this.#cancel?.();
    this.#timerAt = deadline;
    const delay = Math.min(Math.max(0, deadline - this.#parts.now()), TIMEOUT_MS_MAX);
    this.#cancel = memory(delay, () => {
      this.#cancel = null;
      this.#timerAt = Number.POSITIVE_INFINITY;
      this.#parts.fire();
    });
  }
}
