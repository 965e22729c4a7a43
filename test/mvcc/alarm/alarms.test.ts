import { create, fromBinary, type MessageInitShape } from "@bufbuild/protobuf";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { LIMITS } from "../../../src/base/limits.ts";
import { type Command, CommandSchema } from "../../../src/wire/gen/edged_pb.ts";
import {
  AlarmRequest_AlarmAction,
  AlarmRequestSchema,
  type AlarmResponse,
  AlarmResponseSchema,
  AlarmType,
  CompactionRequestSchema,
  type TxnRequestSchema,
} from "../../../src/wire/gen/etcd/rpc_pb.ts";
import { bytes, deleteOf, putOf, readable, Store, txnOf } from "../harness.ts";

const { GET, ACTIVATE, DEACTIVATE } = AlarmRequest_AlarmAction;
const { NONE, NOSPACE, CORRUPT } = AlarmType;

function alarmOf(action: AlarmRequest_AlarmAction, alarm: AlarmType, memberID: bigint): Command {
  const value = create(AlarmRequestSchema, { action, alarm, memberID });
  return create(CommandSchema, { request: { case: "alarm", value } });
}

/** What an alarm command answers: pairs of member and kind, or the error. */
function answer(store: Store, command: Command): unknown {
  const outcome = store.apply(command).outcomes[0];
  if (outcome?.kind !== "applied") return outcome === undefined ? undefined : readable(command, outcome);
  return pairs(fromBinary(AlarmResponseSchema, outcome.response));
}

function pairs({ alarms }: Pick<AlarmResponse, "alarms">): unknown {
  return alarms.map(({ memberID, alarm }) => `${memberID}/${alarm}`).sort();
}

const nested = (inner: MessageInitShape<typeof TxnRequestSchema>) =>
  txnOf({ failure: [{ request: { case: "requestTxn", value: inner } }] });

const put = putOf({ key: bytes("a"), value: bytes("1") });
const remove = deleteOf({ key: bytes("a") });
const putOp = { request: { case: "requestPut", value: { key: bytes("b") } } } as const;
const rangeOp = { request: { case: "requestRange", value: { key: bytes("b") } } } as const;
const compact = create(CommandSchema, {
  request: { case: "compaction", value: create(CompactionRequestSchema, { revision: 2n }) },
});

const tooLongGrant = create(CommandSchema, {
  request: { case: "leaseGrant", value: { ID: 1n, TTL: BigInt(LIMITS.leaseTtlSecondsMax) + 1n } },
});

describe("alarms", () => {
  it("refuse what grows while NOSPACE is on, and nothing else", () => {
    const store = new Store();
    store.do(put);
    expect(answer(store, alarmOf(ACTIVATE, NOSPACE, 7n))).toEqual(["7/1"]);
    expect(store.do(put)).toBe("noSpace");
    expect(store.do(txnOf({ success: [putOp] }))).toBe("noSpace");
    expect(store.do(txnOf({ failure: [rangeOp, putOp] }))).toBe("noSpace");
    expect(store.do(nested({ success: [putOp] }))).toBe("noSpace");
    expect(store.do(tooLongGrant)).toBe("noSpace");
    expect(store.do(txnOf({ success: [rangeOp] }))).toMatchObject({ succeeded: true });
    expect(store.do(remove)).toMatchObject({ deleted: 1n });
    expect(store.do(compact)).toMatchObject({ header: { revision: 3n } });
    expect(answer(store, alarmOf(DEACTIVATE, NOSPACE, 7n))).toEqual(["7/1"]);
    expect(store.do(put)).toMatchObject({ header: { revision: 4n } });
    expect(store.do(tooLongGrant)).toBe("leaseTtlTooLarge");
  });

  it("refuse every change while CORRUPT is on, whatever else is", () => {
    const store = new Store();
    answer(store, alarmOf(ACTIVATE, NOSPACE, 7n));
    answer(store, alarmOf(ACTIVATE, CORRUPT, 8n));
    for (const command of [put, remove, compact, txnOf({ success: [putOp] })]) {
      expect(store.do(command)).toBe("corrupt");
    }
    expect(answer(store, alarmOf(GET, NONE, 0n))).toEqual(["7/1", "8/2"]);
    expect(answer(store, alarmOf(GET, CORRUPT, 0n))).toEqual(["8/2"]);
  });

  it("are bounded in number", () => {
    const store = new Store();
    const raise = Array.from({ length: LIMITS.alarmsMax }, (_, i) => alarmOf(ACTIVATE, NOSPACE, BigInt(i)));
    store.apply(...raise);
    expect(answer(store, alarmOf(ACTIVATE, NOSPACE, 1_000_000n))).toBe("tooManyRequests");
    expect(answer(store, alarmOf(ACTIVATE, NOSPACE, 3n))).toEqual(["3/1"]);
  });

  it("are the same as in a set of pairs, over restarts and with any numbers", () => {
    const members = [0n, 1n, 2n ** 63n, 2n ** 64n - 1n];
    const action = fc.record({
      action: fc.constantFrom(GET, ACTIVATE, ACTIVATE, DEACTIVATE, 9 as AlarmRequest_AlarmAction),
      alarm: fc.constantFrom(NONE, NOSPACE, CORRUPT, 77 as AlarmType),
      member: fc.constantFrom(...members),
      reload: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(action, { maxLength: 30 }), (actions) => {
        const store = new Store();
        const model = new Set<string>();
        for (const { action: what, alarm, member, reload } of actions) {
          if (reload) store.reload();
          const pair = `${member}/${alarm}`;
          const known = model.has(pair);
          const told = answer(store, alarmOf(what, alarm, member));
          if (what === ACTIVATE) {
            model.add(pair);
            expect(told).toEqual([pair]);
          } else if (what === DEACTIVATE) {
            model.delete(pair);
            expect(told).toEqual(known ? [pair] : []);
          } else if (what === GET) {
            expect(told).toEqual(
              [...model].filter((each) => alarm === NONE || each.endsWith(`/${alarm}`)).sort(),
            );
          } else {
            expect(told).toEqual([]);
          }
          expect(pairs({ alarms: [...store.machine.alarms.list()] })).toEqual([...model].sort());
        }
      }),
      { numRuns: 60 },
    );
  });
});
