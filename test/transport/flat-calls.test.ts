/** What crosses between objects as a flat list arrives as it was, whatever it says. */
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { InvariantError } from "../../src/base/assert.ts";
import type {
  MemberPlace,
  ProposeReply,
  ProposeRequest,
  RangeCall,
  RangeReply,
  Rejected,
  ReplicaHeader,
  ReplicaTarget,
  Unavailable,
} from "../../src/engine/replica-api.ts";
import {
  type FlatPropose,
  type FlatRange,
  packPropose,
  packProposeReply,
  packRange,
  packRangeReply,
  targetOfFlat,
  unpackPropose,
  unpackProposeReply,
  unpackRange,
  unpackRangeReply,
} from "../../src/transport/flat-calls.ts";
import { peerCalls } from "../../src/transport/peer-sender.ts";
import { ReplicaCalls, type ReplicaStub } from "../../src/transport/replica-calls.ts";

const text = fc.string();
const count = fc.maxSafeNat();
const bytes = fc.uint8Array({ maxLength: 40 });
/** Objects as literals make them. */
const PLAIN = { noNullPrototype: true } as const;
const orNull = <T>(values: fc.Arbitrary<T>) => fc.option(values, { nil: null });

/** With `optional` fields there or not. */
function record<T extends object, O extends object>(
  required: { [K in keyof T]: fc.Arbitrary<T[K]> },
  optional: { [K in keyof O]: fc.Arbitrary<O[K]> },
): fc.Arbitrary<T & Partial<O>> {
  const all = { ...required, ...optional };
  const requiredKeys = Object.keys(required) as never;
  return fc.record(all, { requiredKeys, ...PLAIN }) as fc.Arbitrary<T & Partial<O>>;
}

const place: fc.Arbitrary<MemberPlace> = fc.record(
  {
    id: text,
    name: text,
    isFounder: fc.boolean(),
    hint: text,
    binding: text,
    serves: fc.boolean(),
  },
  PLAIN,
);

const header: fc.Arbitrary<ReplicaHeader> = record(
  {
    clusterId: text,
    memberId: text,
    member: text,
    revision: count,
    term: count,
    leader: orNull(text),
    sequence: count,
    membership: count,
  },
  { successors: fc.array(place, { maxLength: 3 }) },
);

const target: fc.Arbitrary<ReplicaTarget> = record({ cluster: text, member: text }, { id: text });

const request: fc.Arbitrary<ProposeRequest> = record(
  { command: bytes, mayForward: fc.boolean(), timeoutMs: count },
  { throughLog: fc.boolean(), token: orNull(text) },
);

const call: fc.Arbitrary<RangeCall> = record(
  {
    request: bytes,
    consistency: fc.constantFrom("linearizable", "serializable", "leader"),
    minRevision: count,
    timeoutMs: count,
  },
  {
    maxStalenessMs: fc.oneof(fc.constant(0), count),
    counted: fc.boolean(),
    paged: fc.boolean(),
    token: orNull(text),
  },
);

const REASONS = ["no-leader", "not-leader", "timeout", "overloaded", "stopped", "superseded"] as const;

const refusal: fc.Arbitrary<Rejected | Unavailable> = fc.oneof(
  fc.record({ kind: fc.constant("rejected"), error: text, header }, PLAIN),
  fc.record(
    {
      kind: fc.constant("unavailable"),
      reason: fc.constantFrom(...REASONS),
      message: text,
      unknownOutcome: fc.boolean(),
      header: orNull(header),
    },
    PLAIN,
  ),
);

const proposeReply: fc.Arbitrary<ProposeReply> = fc.oneof(
  refusal,
  fc.record(
    {
      kind: fc.constant("applied"),
      header,
      index: count,
      response: bytes,
      complete: fc.boolean(),
    },
    PLAIN,
  ),
);

const rangeReply: fc.Arbitrary<RangeReply> = fc.oneof(
  refusal,
  record<Extract<RangeReply, { kind: "range" }>, { next: Uint8Array }>(
    { kind: fc.constant("range"), header, response: bytes },
    { next: bytes },
  ),
);

/** No list or object within, but for those that a former member tells of. */
function isFlat(values: readonly unknown[]): boolean {
  return values.every(
    (value) =>
      value === null ||
      typeof value !== "object" ||
      value instanceof Uint8Array ||
      (Array.isArray(value) && value.every((inner) => typeof inner === "object" && "isFounder" in inner)),
  );
}

describe("arguments", () => {
  test("of a write", () => {
    fc.assert(
      fc.property(target, request, (to, sent) => {
        const flat: FlatPropose = structuredClone(packPropose(to, sent));
        expect(isFlat(flat)).toBe(true);
        expect(targetOfFlat(flat)).toStrictEqual(to);
        expect(unpackPropose(flat)).toStrictEqual({ throughLog: false, token: null, ...sent });
      }),
    );
  });

  test("of a read", () => {
    fc.assert(
      fc.property(target, call, (to, sent) => {
        const flat: FlatRange = structuredClone(packRange(to, sent));
        expect(isFlat(flat)).toBe(true);
        expect(targetOfFlat(flat)).toStrictEqual(to);
        expect(unpackRange(flat)).toStrictEqual({ counted: true, paged: false, token: null, ...sent });
      }),
    );
  });
});

describe("answers", () => {
  test("to a write", () => {
    fc.assert(
      fc.property(proposeReply, (reply) => {
        const flat = structuredClone(packProposeReply(reply));
        expect(isFlat(flat)).toBe(true);
        expect(unpackProposeReply(flat)).toStrictEqual(reply);
      }),
    );
  });

  test("to a read", () => {
    fc.assert(
      fc.property(rangeReply, (reply) => {
        const flat = structuredClone(packRangeReply(reply));
        expect(isFlat(flat)).toBe(true);
        expect(unpackRangeReply(flat)).toStrictEqual(reply);
      }),
    );
  });

  test("that are none, or of another call, are refused", () => {
    const header = { kind: "range", response: new Uint8Array(0) };
    for (const foreign of [header, ["more"], []]) {
      expect(() => unpackProposeReply(foreign as never)).toThrow(InvariantError);
      expect(() => unpackRangeReply(foreign as never)).toThrow(InvariantError);
    }
  });
});

describe("over a stub", () => {
  const TARGET = { cluster: "default", member: "r2", id: "7" };
  const REQUEST = { command: Uint8Array.of(1), mayForward: true, timeoutMs: 3, throughLog: true, token: "t" };
  const CALL = { request: Uint8Array.of(2), consistency: "leader", minRevision: 4, timeoutMs: 5 } as const;
  const SILENT = {
    kind: "unavailable",
    reason: "timeout",
    message: "m",
    unknownOutcome: true,
    header: null,
  } as const;

  function stubOf(log: unknown[], release: () => void): ReplicaStub {
    const answer = (...call: readonly unknown[]) => {
      log.push(call);
      const flat = ["silent", "timeout", "m", true] as const;
      return Promise.resolve(Object.assign([...flat], { [Symbol.dispose]: release }) as never);
    };
    return { proposeFlat: answer, rangeFlat: answer } as never;
  }

  test("calls cross flat, answers are whole, and what they hold is let go", async () => {
    const log: unknown[] = [];
    let released = 0;
    const stub = stubOf(log, () => {
      released += 1;
    });
    const calls = new ReplicaCalls(stub);
    expect(await calls.propose(TARGET, REQUEST)).toStrictEqual(SILENT);
    expect(await calls.range(TARGET, CALL)).toStrictEqual(SILENT);
    expect(await peerCalls(stub as never).propose(TARGET, REQUEST)).toStrictEqual(SILENT);
    const write = ["default", "r2", "7", REQUEST.command, true, 3, true, "t"];
    const read = ["default", "r2", "7", CALL.request, "leader", 4, 5, null, true, false, null];
    expect(log).toEqual([write, read, write]);
    expect(released).toBe(3);
  });
});
