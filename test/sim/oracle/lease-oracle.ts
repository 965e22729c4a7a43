/**
 * 24. What leases promise: none ends by itself before its time is over, counted from the call of the
 * last renewal that was answered; a renewal that was answered met a living lease, and one that was
 * told of no lease met none.
 */
import { violated } from "../../raft/invariants/violation.ts";
import type { LeaseEvent, NaiveStore } from "./naive-store.ts";
import type { OperationRecord } from "./operation-record.ts";

/** Clocks run at most so much too fast (test/sim/platform/sim-object.ts), and count whole milliseconds. */
const RATE_SLACK = 0.06;
const SLACK_MS = 10;

/** A lease from its grant to its end. */
interface Life {
  readonly id: bigint;
  readonly since: number;
  endedAt: number;
  endedBy: "revoked" | "expired" | null;
  /** Somebody was told that it exists. */
  knownAt: number;
  /** It must not expire before this. */
  promisedUntil: number;
}

export class LeaseOracle {
  readonly #store: NaiveStore;
  /** False where clocks jump: time that passes on no clock ends leases early. */
  readonly #judgesTime: () => boolean;
  readonly #lives: Life[] = [];
  #seen = 0;
  /** Leases that ended because their time was over, and renewals that were answered. */
  expiries = 0;
  renewals = 0;

  constructor(store: NaiveStore, judgesTime: () => boolean) {
    this.#store = store;
    this.#judgesTime = judgesTime;
  }

  /** Takes note of what the log has done to leases by `now`. */
  observe(now: number): void {
    const { leaseEvents } = this.#store;
    for (; this.#seen < leaseEvents.length; this.#seen += 1) {
      const event = leaseEvents[this.#seen];
      if (event === undefined) return;
      if (event.kind === "granted") {
        this.#lives.push({
          id: event.id,
          since: now,
          endedAt: Number.POSITIVE_INFINITY,
          endedBy: null,
          knownAt: Number.POSITIVE_INFINITY,
          promisedUntil: 0,
        });
        this.#restored(event, now);
        continue;
      }
      const life = this.#lives.findLast(({ id }) => id === event.id);
      if (life === undefined) continue;
      life.endedAt = now;
      life.endedBy = event.kind;
      if (event.kind === "expired") this.expiries += 1;
      this.#judge(life);
    }
  }

  /** Its time begins when it is there. */
  #restored({ id, restoredMs }: LeaseEvent, now: number): void {
    const life = this.#lives.at(-1);
    if (restoredMs !== undefined && life?.id === id) this.#promise(life, now + restoredMs, restoredMs);
  }

  /** A grant was answered with success. */
  granted(record: OperationRecord, id: bigint, ttlMs: number, now: number): void {
    const [life, ...others] = this.#lives.filter(
      (each) => each.id === id && each.since >= record.invokedAt && each.since <= now,
    );
    if (life === undefined || others.length > 0) return;
    life.knownAt = Math.min(life.knownAt, now);
    this.#promise(life, record.invokedAt + ttlMs, ttlMs);
  }

  /** A renewal was answered; `ttlMs` 0: there is no such lease. */
  renewed(record: OperationRecord, id: bigint, ttlMs: number, now: number): void {
    const lives = this.#lives.filter(
      (each) => each.id === id && each.since <= now && each.endedAt >= record.invokedAt,
    );
    const [life] = lives;
    if (ttlMs === 0) {
      const isWhole = lives.some((each) => each.knownAt <= record.invokedAt && each.endedAt > now);
      if (isWhole) violated("lease-known", `operation ${record.number} was told that lease ${id} is gone`);
      return;
    }
    this.renewals += 1;
    if (life === undefined) {
      violated("lease-renewed", `operation ${record.number} renewed lease ${id}, which did not live`);
    }
    if (lives.length === 1) this.#promise(life, record.invokedAt + ttlMs, ttlMs);
  }

  #promise(life: Life, until: number, ttlMs: number): void {
    life.promisedUntil = Math.max(life.promisedUntil, until - RATE_SLACK * ttlMs - SLACK_MS);
    this.#judge(life);
  }

  #judge({ id, endedBy, endedAt, promisedUntil }: Life): void {
    if (endedBy !== "expired" || endedAt >= promisedUntil || !this.#judgesTime()) return;
    const early = (promisedUntil - endedAt).toFixed(0);
    violated("lease-early", `lease ${id} ended ${early} ms before its time`);
  }
}
