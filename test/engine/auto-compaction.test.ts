import { fromBinary } from "@bufbuild/protobuf";
import { describe, expect, it } from "vitest";
import { AutoCompaction, type AutoCompactionSetting } from "../../src/engine/auto-compaction.ts";
import type { EngineContext } from "../../src/engine/engine-context.ts";
import { Proposals } from "../../src/engine/proposals.ts";
import { INITIAL_MVCC_STATE } from "../../src/mvcc/mvcc-state.ts";
import { CommandSchema } from "../../src/wire/gen/edged_pb.ts";
import { AlarmType } from "../../src/wire/gen/etcd/rpc_pb.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

/** A leader whose proposals are applied at once. */
function setUp(setting: AutoCompactionSetting) {
  const state = { ...INITIAL_MVCC_STATE, revision: 1, compactRevision: -1 };
  const raft = { isLeader: true };
  const proposals = new Proposals();
  const alarms = new Set<AlarmType>();
  const list = (kind: AlarmType): readonly AlarmType[] => [...alarms].filter((alarm) => alarm === kind);
  const machine = { state: () => state, alarms: { list }, isRestoring: false };
  const context = { raft, machine } as unknown as EngineContext;
  const compaction = new AutoCompaction(context, proposals, setting);
  const compacted: (readonly [at: number, revision: number])[] = [];
  /** One turn, and what it proposed. */
  const turn = (now: number): void => {
    compaction.check(now);
    for (const bytes of proposals.nextBatch()) {
      const { request } = fromBinary(CommandSchema, bytes);
      if (request.case !== "compaction") throw new Error(`proposed ${request.case}`);
      state.compactRevision = Number(request.value.revision);
      compacted.push([now, state.compactRevision]);
      proposals.proposed(1, 1, 1);
      proposals.applied(1, 1, [{ kind: "applied", revision: 1, response: new Uint8Array(), complete: true }]);
    }
  };
  return { state, raft, alarms, compaction, compacted, turn };
}

describe("automatic compaction", () => {
  it("keeps so many revisions", () => {
    const { state, turn, compacted } = setUp({ kind: "revisions", keep: 100 });
    for (let now = 0; now <= HOUR; now += MINUTE) {
      state.revision += 10;
      turn(now);
    }
    // Every 5 minutes, 50 revisions further, once there are more than 100.
    expect(compacted.slice(0, 3)).toEqual([
      [10 * MINUTE, 11],
      [15 * MINUTE, 61],
      [20 * MINUTE, 111],
    ]);
    expect(compacted).toHaveLength(11);
  });

  it("keeps the history of a time, compacted once in it or every hour", () => {
    for (const [periodMs, everyMs] of [
      [30 * MINUTE, 30 * MINUTE],
      [3 * HOUR, HOUR],
    ] as const) {
      const { state, turn, compacted } = setUp({ kind: "periodic", periodMs });
      for (let now = 0; now <= 8 * HOUR; now += MINUTE) {
        state.revision = 1 + now / MINUTE;
        turn(now);
      }
      expect(compacted.length).toBeGreaterThan(3);
      for (const [at, revision] of compacted) {
        // Never younger than the period, and not much older: a sample is a tenth of `everyMs` away.
        const age = at - (revision - 1) * MINUTE;
        expect(age).toBeGreaterThanOrEqual(periodMs);
        expect(age).toBeLessThanOrEqual(periodMs + everyMs / 5);
      }
      compacted.slice(1).forEach(([at], i) => {
        expect(at - (compacted[i]?.[0] ?? 0)).toBe(everyMs);
      });
    }
  });

  it("waits for the end of an alarm under which it would be refused, and lets the group sleep", () => {
    const { state, alarms, turn, compacted, compaction } = setUp({ kind: "periodic", periodMs: MINUTE });
    state.revision = 10;
    alarms.add(AlarmType.CORRUPT);
    for (let now = 0; now <= HOUR; now += MINUTE) turn(now);
    expect(compacted).toEqual([]);
    expect(compaction.deadline()).toBeNull();
    alarms.clear();
    for (let now = HOUR; now <= HOUR + 2 * MINUTE; now += MINUTE) turn(now);
    expect(compacted).toEqual([[HOUR + MINUTE, 10]]);
  });

  it("begins anew with a new leader, and does nothing elsewhere or when it is off", () => {
    const { state, raft, turn, compacted, compaction } = setUp({ kind: "periodic", periodMs: HOUR });
    for (let now = 0; now <= 10 * HOUR; now += MINUTE) {
      state.revision += 1;
      raft.isLeader = Math.floor(now / (50 * MINUTE)) % 2 === 0;
      turn(now);
    }
    expect(compacted).toEqual([]);
    raft.isLeader = false;
    expect(compaction.deadline()).toBeNull();
    const off = setUp({ kind: "off" });
    off.state.revision = 1_000_000;
    for (let now = 0; now <= 10 * HOUR; now += MINUTE) off.turn(now);
    expect(off.compacted).toEqual([]);
    expect(off.compaction.deadline()).toBeNull();
  });

  it("asks for no time while nothing was written, so that the group may sleep", () => {
    const { state, turn, compaction, compacted } = setUp({ kind: "periodic", periodMs: HOUR });
    turn(0);
    expect(compaction.deadline()).toBeNull();
    state.revision = 50;
    turn(6 * MINUTE);
    for (let now = 6 * MINUTE; compaction.deadline() !== null; ) {
      now = Math.max(now, compaction.deadline() ?? now);
      turn(now);
    }
    expect(compacted.at(-1)?.[1]).toBe(50);
  });
});
