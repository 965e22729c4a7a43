/** Rows are the bill: what a put of 256 bytes writes in the long run, deletions included. */
import { afterEach, expect, it } from "vitest";
import type { Sql } from "../../src/base/sql.ts";
import { INITIAL_MVCC_STATE } from "../../src/mvcc/mvcc-state.ts";
import { StateMachine } from "../../src/mvcc/state-machine.ts";
import { simpleConfiguration } from "../../src/raft/configuration.ts";
import { NodeSql } from "../../src/storage/node-sql.ts";
import { SqlReplicaStorage } from "../../src/storage/replica-storage.ts";
import { bytes, dataOf, operationId, putOf } from "../mvcc/harness.ts";
import { overrideLimits } from "../sim/limits-knobs.ts";

const identity = { cluster: "c", clusterId: "1", member: "a", memberId: "2", incarnation: "i" };
const LOG_ENTRIES = 100;
const ENTRIES = 800;

let restore = (): void => undefined;
afterEach(() => restore());

/** Counts as the platform does, where a version of a key has an entry in an index. */
class Counting implements Sql {
  readonly #sql = new NodeSql();
  rows = 0;

  run(...[statement, ...bindings]: Parameters<Sql["run"]>): void {
    this.#sql.run(statement, ...bindings);
    if (!/^(INSERT|UPDATE|DELETE)/.test(statement)) return;
    const changed = Number(this.#sql.first("SELECT changes()")?.[0]);
    this.rows += / kv_/.test(statement) ? 2 * changed : changed;
  }

  all = this.#sql.all.bind(this.#sql);
  first = this.#sql.first.bind(this.#sql);
  sizeBytes = this.#sql.sizeBytes.bind(this.#sql);
  transaction<T>(body: () => T): T {
    return this.#sql.transaction(body);
  }
  turn<T>(body: () => T): T {
    return this.#sql.turn(body);
  }
}

it.each([
  [1, 4.2],
  [4, 2.65],
  [16, 2.25],
])("with %i puts an entry it is at most %d a put", (puts, rowsMax) => {
  restore = overrideLimits({ dedupOperationsMax: 300 });
  const sql = new Counting();
  const storage = new SqlReplicaStorage(sql);
  storage.found(identity, simpleConfiguration(["2"]));
  const machine = new StateMachine(sql, INITIAL_MVCC_STATE);
  let operations = 0;
  let before = 0;
  for (let index = 1; index <= 2 * ENTRIES; index += 1) {
    const commands = Array.from({ length: puts }, () => {
      operations += 1;
      const value = new Uint8Array(256);
      return putOf({ key: bytes(`k${operations % 100}`), value }, operationId(operations, operations));
    });
    const data = dataOf(commands);
    // As a leader does it: in one turn the entry, in another what it led to.
    storage.turn(() => storage.append([{ kind: "command", index, term: 1, data }]));
    storage.turn(() => {
      storage.setCommit(index);
      machine.apply(index, data);
      storage.setApplied(index, machine.state());
      if (index % LOG_ENTRIES === 0) storage.compact({ index: index - LOG_ENTRIES / 2, term: 1 });
      storage.flush(0);
    });
    if (index === ENTRIES) before = sql.rows;
  }
  expect((sql.rows - before) / ENTRIES / puts).toBeLessThan(rowsMax);
});
