/** Counts what the platform would bill each object of a run for. */

import type { Sql } from "../../src/base/sql.ts";
import type { SimObject } from "../../test/sim/platform/sim-object.ts";
import type { Meter } from "../../test/sim/platform/site.ts";
import type { World } from "../../test/sim/world/world.ts";
import { OBJECT_GIGABYTES, type Usage } from "./facts/prices.ts";

export interface Counts {
  /** Calls from gateways, calls from other replicas, alarms that fired. */
  readonly clientCalls: number;
  readonly peerCalls: number;
  readonly alarmRuns: number;
  readonly alarmsSet: number;
  readonly rowsWritten: number;
  /** Rows handed to the product or changed by it; what SQLite passes over on the way is not seen. */
  readonly rowsRead: number;
  /** Time in which at least one timer, call or write was open, all objects together. */
  readonly awakeMs: number;
}

const PEER_CALLS: ReadonlySet<string> = new Set(["deliver", "readIndex", "pull", "forward"]);

const CHANGE = /^(?:INSERT INTO|UPDATE|DELETE FROM)\s+(\w+)/;
/** Tables with one index besides their primary key (src/mvcc/schema.ts). */
const INDEXED = /^(?:kv_[01]|system_[01])$/;

/** How often an object that has nothing planned is looked at until its last write is durable. */
const LOOK_MS = 5;

const NOTHING: Counts = {
  clientCalls: 0,
  peerCalls: 0,
  alarmRuns: 0,
  alarmsSet: 0,
  rowsWritten: 0,
  rowsRead: 0,
  awakeMs: 0,
};

export class UsageMeter implements Meter {
  readonly #world: World;
  #counts: { -readonly [K in keyof Counts]: number } = { ...NOTHING };
  /** Since when each object that is awake has been; by its number. */
  readonly #awakeSince = new Map<number, number>();

  constructor(world: World) {
    this.#world = world;
  }

  /** Everything since the last `reset`. */
  get counts(): Counts {
    const { now } = this.#world;
    let { awakeMs } = this.#counts;
    for (const since of this.#awakeSince.values()) awakeMs += now - since;
    return { ...this.#counts, awakeMs };
  }

  reset(): void {
    this.#counts = { ...NOTHING };
    for (const index of this.#awakeSince.keys()) this.#awakeSince.set(index, this.#world.now);
  }

  began({ index }: SimObject, what: string): void {
    const { now } = this.#world;
    if (!this.#awakeSince.has(index)) this.#awakeSince.set(index, now);
    if (what === "timer") return;
    if (what === "alarm") this.#counts.alarmRuns += 1;
    else if (PEER_CALLS.has(what)) this.#counts.peerCalls += 1;
    else this.#counts.clientCalls += 1;
  }

  ended(object: SimObject): void {
    const { index, instance, disk } = object;
    const since = this.#awakeSince.get(index);
    if (since === undefined) return;
    const isPlanning = (instance?.host?.engine?.deadline() ?? null) !== null;
    if (isPlanning) return;
    if (disk.pending.length > 0 || (instance?.calls.size ?? 0) > 0) {
      this.#world.after(LOOK_MS, () => this.ended(object));
      return;
    }
    this.#counts.awakeMs += this.#world.now - since;
    this.#awakeSince.delete(index);
  }

  alarmSet(_object: SimObject): void {
    this.#counts.alarmsSet += 1;
  }

  sql(_object: SimObject, port: Sql): Sql {
    const counts = (): { -readonly [K in keyof Counts]: number } => this.#counts;
    return {
      run(statement, ...bindings) {
        port.run(statement, ...bindings);
        const table = CHANGE.exec(statement)?.[1];
        if (table === undefined) return;
        const changed = Number(port.first("SELECT changes()")?.[0] ?? 0);
        counts().rowsWritten += changed * (INDEXED.test(table) ? 2 : 1);
        if (!statement.startsWith("INSERT")) counts().rowsRead += changed;
      },
      all(statement, ...bindings) {
        const rows = port.all(statement, ...bindings);
        counts().rowsRead += rows.length;
        return rows;
      },
      first(statement, ...bindings) {
        const row = port.first(statement, ...bindings);
        if (row !== null) counts().rowsRead += 1;
        return row;
      },
      transaction: (body) => port.transaction(body),
      turn: (body) => port.turn(body),
      sizeBytes: () => port.sizeBytes(),
    };
  }
}

/** As the platform counts: every call and every run of an alarm is a request, setting an alarm a row. */
export function usageOf(counts: Counts): Usage {
  return {
    requests: counts.clientCalls + counts.peerCalls + counts.alarmRuns,
    gigabyteSeconds: (counts.awakeMs / 1000) * OBJECT_GIGABYTES,
    rowsRead: counts.rowsRead,
    rowsWritten: counts.rowsWritten + counts.alarmsSet,
  };
}
