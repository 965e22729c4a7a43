import { describe, expect, it } from "vitest";
import { INITIAL_MVCC_STATE } from "../../src/mvcc/mvcc-state.ts";
import { simpleConfiguration } from "../../src/raft/configuration.ts";
import type { Entry } from "../../src/raft/types.ts";
import { NodeSql } from "../../src/storage/node-sql.ts";
import { SqlReplicaStorage } from "../../src/storage/replica-storage.ts";

const identity = { cluster: "c", clusterId: "1", member: "a", memberId: "2", incarnation: "i" };
const founding = simpleConfiguration(["2", "3"]);
const command = (index: number, term: number, size = 10): Entry => ({
  kind: "command",
  index,
  term,
  data: new Uint8Array(size).fill(index),
});

function founded() {
  const sql = new NodeSql(":memory:");
  const storage = new SqlReplicaStorage(sql);
  expect(storage.load()).toBe(null);
  storage.found(identity, founding);
  return { sql, storage, reopened: () => new SqlReplicaStorage(sql) };
}

describe("replica storage", () => {
  it("reads back what was founded", () => {
    const { reopened } = founded();
    expect(reopened().load()).toEqual({
      identity,
      boot: {
        term: 0,
        vote: null,
        snapshot: { index: 0, term: 0 },
        lastIndex: 0,
        commit: 0,
        applied: 0,
        sleep: null,
        configurations: [{ index: 0, configuration: founding }],
      },
      mvcc: INITIAL_MVCC_STATE,
      peers: new Map(),
      staging: null,
      successors: null,
      wiped: false,
      writtenAt: 0,
    });
  });

  it("reads back entries of every kind, in pages, within bytes", () => {
    const { storage, reopened } = founded();
    const configuration = simpleConfiguration(["2", "3", "4"]);
    const entries: Entry[] = [
      { kind: "empty", index: 1, term: 1 },
      { kind: "configuration", index: 2, term: 1, configuration },
      ...Array.from({ length: 200 }, (_, i) => command(i + 3, 2)),
    ];
    storage.turn(() => storage.append(entries));
    const { reader } = reopened();
    expect(reader.entries(1, 202, 1_000_000)).toEqual(entries);
    expect(reader.entries(3, 202, 35)).toEqual(entries.slice(2, 5));
    expect(reader.entries(3, 202, 1)).toEqual(entries.slice(2, 3));
    expect(reader.term(3)).toBe(2);
    expect(() => reader.term(203)).toThrow(/no entry 203/);
  });

  it("forgets a truncated configuration and counts the bytes that remain", () => {
    const { storage, reopened } = founded();
    const configuration = simpleConfiguration(["2"]);
    storage.turn(() => {
      storage.append([
        command(1, 1),
        { kind: "configuration", index: 2, term: 1, configuration },
        command(3, 1),
      ]);
      storage.truncateFrom(2);
      storage.flush(7);
    });
    expect(storage.logBytes).toBe(10);
    const stored = reopened().load();
    expect(stored?.boot.lastIndex).toBe(1);
    expect(stored?.boot.configurations).toEqual([{ index: 0, configuration: founding }]);
  });

  it("writes commit, applied, the state machine's counters and its newest answers in one row", () => {
    const { sql, storage, reopened } = founded();
    const recent = { first: 4, answers: new Uint8Array([0, 255, 10]) };
    const mvcc = { ...INITIAL_MVCC_STATE, revision: 9, ord: 12, recent };
    storage.turn(() => {
      storage.append([command(1, 1), command(2, 1)]);
      storage.setHardState({ term: 1, vote: "3" });
      storage.setCommit(2);
      storage.setApplied(2, mvcc);
      storage.flush(7);
    });
    expect(reopened().load()).toMatchObject({
      boot: { term: 1, vote: "3", commit: 2, applied: 2 },
      mvcc,
      writtenAt: 7,
    });
    expect(sql.first("SELECT count(*) FROM meta")).toEqual([1]);
    storage.setApplied(2, { ...mvcc, recent: null });
    storage.flush(8);
    expect(reopened().load()?.mvcc.recent).toBe(null);
  });

  it("keeps nothing of a transaction that threw", () => {
    const { storage, reopened } = founded();
    expect(() =>
      storage.turn(() => {
        storage.append([command(1, 1)]);
        storage.setHardState({ term: 5, vote: null });
        storage.flush(7);
        throw new Error("the turn broke");
      }),
    ).toThrow("the turn broke");
    expect(reopened().load()?.boot).toMatchObject({ term: 0, lastIndex: 0 });
  });

  it("refuses what would break its promises", () => {
    const { storage } = founded();
    storage.setHardState({ term: 3, vote: "2" });
    expect(() => storage.setHardState({ term: 2, vote: null })).toThrow(/falls behind/);
    expect(() => storage.setHardState({ term: 3, vote: "3" })).toThrow(/vote of term 3/);
    expect(() => storage.setHardState({ term: 3, vote: null })).toThrow(/vote of term 3/);
    storage.append([command(1, 3)]);
    storage.setCommit(1);
    expect(() => storage.truncateFrom(1)).toThrow(/committed/);
    expect(() => storage.setCommit(0)).toThrow(/never falls/);
    expect(() => storage.append([command(1, 3)])).toThrow();
  });

  it("cuts the log behind what is applied and keeps the configuration in force", () => {
    const { storage, reopened } = founded();
    const configuration = simpleConfiguration(["2", "3", "4"]);
    storage.turn(() => {
      storage.append([
        command(1, 1),
        { kind: "configuration", index: 2, term: 1, configuration },
        command(3, 1),
      ]);
      storage.setCommit(3);
      storage.setApplied(3, INITIAL_MVCC_STATE);
      storage.compact({ index: 2, term: 1 });
      storage.flush(7);
    });
    expect(reopened().load()?.boot).toMatchObject({
      snapshot: { index: 2, term: 1 },
      lastIndex: 3,
      configurations: [{ index: 2, configuration }],
    });
    expect(storage.logBytes).toBe(10);
  });

  it("puts the log behind an installed snapshot, with or without what follows", () => {
    for (const keepSuffix of [true, false]) {
      const { storage, reopened } = founded();
      const at = { index: 2, configuration: simpleConfiguration(["9"]) };
      storage.turn(() => {
        storage.append([command(1, 1), command(2, 1), command(3, 1)]);
        storage.installSnapshot({ index: 2, term: 1 }, at, keepSuffix);
        storage.setCommit(2);
        storage.setApplied(2, INITIAL_MVCC_STATE);
        storage.flush(7);
      });
      expect(reopened().load()?.boot).toMatchObject({ lastIndex: keepSuffix ? 3 : 2, configurations: [at] });
      expect(storage.logBytes).toBe(keepSuffix ? 10 : 0);
    }
  });

  it("remembers peers, a pull under way, and that it was wiped", () => {
    const { storage, reopened } = founded();
    const staging = {
      from: "3",
      session: "s",
      point: { index: 5, term: 2 },
      configuration: { index: 0, configuration: founding },
      cursor: { table: "kv", after: 7 },
    } as const;
    storage.turn(() => {
      storage.recordPeer("3", "x");
      storage.setStaging(staging);
      storage.setWiped();
    });
    expect(reopened().load()).toMatchObject({ peers: new Map([["3", "x"]]), staging, wiped: true });
    storage.setStaging(null);
    expect(reopened().load()?.staging).toBe(null);
    const place = { id: "4", name: "r4", isFounder: false, hint: "oc", binding: "REPLICA", serves: true };
    const successors = { version: 7, members: [place] };
    storage.setRemoved(successors);
    expect(reopened().load()?.successors).toEqual(successors);
  });
});
