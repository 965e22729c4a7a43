/** Databases of earlier versions are opened and go on. */
import { readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { defined } from "../../src/base/assert.ts";
import { StateMachine } from "../../src/mvcc/state-machine.ts";
import { simpleConfiguration } from "../../src/raft/configuration.ts";
import { type Entry, entryBytes } from "../../src/raft/types.ts";
import { NodeSql } from "../../src/storage/node-sql.ts";
import { SqlReplicaStorage } from "../../src/storage/replica-storage.ts";
import { bytes, dataOf, operationId, putOf } from "../mvcc/harness.ts";

/** What that version's state machine said of the database. */
const HASH = "49de06004e5e7e4b";

/** One written by the version before several entries shared a row: its log begins after 4, and 7 is applied. */
function earlier(): NodeSql {
  const text = readFileSync(path.join(import.meta.dirname, "fixtures/before-chunks.sql"), "utf8");
  const sql = new NodeSql();
  for (const statement of text.trim().split("\n")) sql.run(statement);
  return sql;
}

const put = (n: number) =>
  dataOf([putOf({ key: bytes(`k${n % 3}`), value: bytes(`v${n}`) }, operationId(n, n))]);
const command = (index: number, term: number): Entry => ({ kind: "command", index, term, data: put(index) });

describe("a database whose log has a row for each entry", () => {
  it("is read, appended to, cut and trimmed", () => {
    const sql = earlier();
    const storage = new SqlReplicaStorage(sql);
    expect(storage.load()?.boot).toMatchObject({
      snapshot: { index: 4, term: 1 },
      lastIndex: 10,
      applied: 7,
    });
    const old: readonly Entry[] = [
      ...[5, 6, 7, 8].map((index) => command(index, 1)),
      { kind: "empty", index: 9, term: 2 },
      { kind: "configuration", index: 10, term: 2, configuration: simpleConfiguration(["2", "3"]) },
    ];
    expect(storage.reader.entries(5, 10, 1e6)).toEqual(old);

    const added = [11, 12, 13].map((index) => command(index, 2));
    for (const entry of added) storage.turn(() => storage.append([entry]));
    expect(storage.reader.entries(5, 13, 1e6)).toEqual([...old, ...added]);
    expect(sql.first("SELECT count(*) FROM log")).toEqual([7]);
    storage.turn(() => storage.truncateFrom(13));
    storage.turn(() => storage.compact({ index: 6, term: 1 }));
    const left = [...old.slice(2), ...added.slice(0, 2)];
    expect(storage.reader.entries(7, 12, 1e6)).toEqual(left);
    expect(storage.logBytes).toBe(left.reduce((sum, entry) => sum + entryBytes(entry), 0));
  });

  it("is the same store, and goes on answering what is repeated", () => {
    const sql = earlier();
    const { mvcc } = defined(new SqlReplicaStorage(sql).load(), "the database is founded");
    const machine = new StateMachine(sql, mvcc);
    expect(machine.hash()).toBe(HASH);
    expect(machine.apply(8, put(8)).outcomes).toMatchObject([{ kind: "applied", revision: 7 }]);
    for (const [n, revision] of [
      [3, 2],
      [7, 6],
      [8, 7],
    ] as const) {
      expect(machine.apply(9, put(n)).outcomes, `${n}`).toMatchObject([{ kind: "applied", revision }]);
    }
    expect(machine.state()).toMatchObject({ revision: 7, sequence: mvcc.sequence + 4 });
  });
});
