/** Commands that are read by hand where they are plain: nobody may notice but by the time it takes. */
import { create, fromBinary, isMessage, toBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { LIMITS } from "../../src/base/limits.ts";
import { decodeBatch, decodeCommand, encodeBatch } from "../../src/wire/batch.ts";
import { BatchSchema, type Command, CommandSchema } from "../../src/wire/gen/edged_pb.ts";
import {
  DeleteRangeRequestSchema,
  PutRequestSchema,
  RequestOpSchema,
  TxnRequestSchema,
} from "../../src/wire/gen/etcd/rpc_pb.ts";
import { appendSeen, encodePutCommand, readPutCommand } from "../../src/wire/put-command.ts";

const RUNS = 3_000;

const content = fc.oneof(
  { weight: 8, arbitrary: fc.uint8Array({ maxLength: 20 }) },
  { weight: 1, arbitrary: fc.constantFrom(127, 128, 16_384).map((length) => new Uint8Array(length).fill(5)) },
);
const opId = fc.oneof(fc.constant(new Uint8Array(16).fill(7)), fc.uint8Array({ maxLength: 17 }));
const count = fc.oneof(
  fc.constantFrom(0, 1, 127, 128, 2 ** 31, 2 ** 32, 2 ** 49 - 1, 2 ** 49, Number.MAX_SAFE_INTEGER),
  fc.nat(1_000),
);
/** Zero, mostly: what is set seldom has to be left out most of the time to say anything. */
const seldom = fc.oneof(
  { weight: 6, arbitrary: fc.constant(0n) },
  { weight: 1, arbitrary: fc.bigInt(1n, 9n) },
);
const rarely = fc.oneof(
  { weight: 6, arbitrary: fc.constant(false) },
  { weight: 1, arbitrary: fc.constant(true) },
);

const putRequest = fc
  .record({
    key: content,
    value: content,
    lease: seldom,
    prevKv: rarely,
    ignoreValue: rarely,
    ignoreLease: rarely,
  })
  .map((request) => create(PutRequestSchema, request));

const request: fc.Arbitrary<Command["request"]> = fc.oneof(
  { weight: 6, arbitrary: putRequest.map((value) => ({ case: "put" as const, value })) },
  {
    weight: 1,
    arbitrary: content.map((key) => ({
      case: "deleteRange" as const,
      value: create(DeleteRangeRequestSchema, { key }),
    })),
  },
  {
    weight: 1,
    arbitrary: putRequest.map((put) => ({
      case: "txn" as const,
      value: create(TxnRequestSchema, {
        success: [create(RequestOpSchema, { request: { case: "requestPut", value: put } })],
      }),
    })),
  },
  { weight: 1, arbitrary: fc.constant({ case: undefined }) },
);

const generalCommand = fc
  .record({
    opId,
    seen: count.map(BigInt),
    user: fc.constantFrom("", "", "", "\u00fcser"),
    authRevision: seldom,
    internal: rarely,
    request,
    grant: fc.constantFrom(undefined, undefined, undefined, { ID: 5n, TTL: 60n }),
  })
  .map(({ grant, ...fields }) =>
    toBinary(CommandSchema, create(CommandSchema, { ...fields, ...(grant && { grant }) })),
  );

/** As the gateway writes it, and stamped perhaps. */
const plainCommand = (numbers: fc.Arbitrary<number>) =>
  fc.tuple(opId, numbers, content, content, fc.option(numbers)).map(([id, seen, key, value, stamp]) => {
    const bytes = encodePutCommand(id, seen, key, value);
    return stamp === null ? bytes : appendSeen(bytes, stamp);
  });

/** The same fields in any order, given twice, empty, with numbers that are longer than need be. */
const oddCommand = fc
  .array(
    fc.record({
      tag: fc.constantFrom(0x0a, 0x10, 0x52, 0x10, 0x18),
      number: fc.constantFrom(0, 3, 300),
      inner: fc.array(
        fc.record({
          tag: fc.constantFrom(0x0a, 0x12, 0x18, 0x22),
          length: fc.nat(2),
          padding: fc.nat(2),
        }),
        { maxLength: 3 },
      ),
      padding: fc.oneof({ weight: 4, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.nat(6) }),
    }),
    { maxLength: 4 },
  )
  .map((fields) => {
    const bytes = fields.flatMap(({ tag, number, inner, padding }) => {
      if (tag % 8 === 0) return [tag, ...varint(number, padding)];
      const body =
        tag === 0x52
          ? inner.flatMap((one) => [
              one.tag,
              ...varint(one.length, one.padding),
              ...[7, 7].slice(0, one.length),
            ])
          : [7, 7, 7, 7].slice(0, number);
      return [tag, ...varint(body.length, padding), ...body];
    });
    return Uint8Array.from(bytes);
  });

function varint(value: number, padding: number): number[] {
  const plain = value < 128 ? [value] : [(value % 128) | 0x80, Math.floor(value / 128)];
  if (padding === 0) return plain;
  const zeros = new Array<number>(padding - 1).fill(0x80);
  return [...plain.slice(0, -1), (plain.at(-1) ?? 0) | 0x80, ...zeros, 0];
}

/** Some bytes changed, left out, put in or cut off. */
const damage = fc.array(
  fc.record({
    kind: fc.constantFrom("set", "remove", "insert", "cut"),
    place: fc.nat(200),
    byte: fc.oneof(fc.constantFrom(0, 1, 0x0a, 0x10, 0x12, 0x52, 0x7f, 0x80, 0xff), fc.nat(255)),
  }),
  { maxLength: 2 },
);

function damaged(
  bytes: Uint8Array,
  changes: typeof damage extends fc.Arbitrary<infer T> ? T : never,
): Uint8Array {
  let list = [...bytes];
  for (const { kind, place, byte } of changes) {
    const at = place % (list.length + 1);
    if (kind === "set" && at < list.length) list[at] = byte;
    else if (kind === "remove") list.splice(at, 1);
    else if (kind === "insert") list.splice(at, 0, byte);
    else list = list.slice(0, at);
  }
  return Uint8Array.from(list);
}

const command = fc
  .tuple(fc.oneof(plainCommand(count), generalCommand, oddCommand), damage)
  .map(([bytes, changes]) => damaged(bytes, changes));

/** What a decoder makes of bytes; of what it throws, the words. */
function attempt<T>(decode: () => T): T | string {
  try {
    return decode();
  } catch (error) {
    return String(error);
  }
}

const byLibrary = (bytes: Uint8Array) =>
  fromBinary(CommandSchema, bytes, { recursionLimit: LIMITS.messageDepthMax });
const batchByLibrary = (data: Uint8Array) =>
  fromBinary(BatchSchema, data, { recursionLimit: LIMITS.messageDepthMax + 1 }).commands;

describe("a command", () => {
  it("is read as the library reads it, whatever happened to its bytes", () => {
    let plain = 0;
    fc.assert(
      fc.property(command, (bytes) => {
        const expected = attempt(() => byLibrary(bytes));
        const read = attempt(() => decodeCommand(bytes));
        expect(read).toStrictEqual(expected);
        if (typeof read === "string") return;
        expect(toBinary(CommandSchema, read)).toEqual(toBinary(CommandSchema, byLibrary(bytes)));
        if (readPutCommand(bytes, 0, bytes.length) !== null) plain += 1;
      }),
      { numRuns: RUNS },
    );
    expect(plain, "commands read by hand").toBeGreaterThan(RUNS / 10);
    expect(plain, "commands read by hand").toBeLessThan((RUNS * 9) / 10);
  });

  it("that is as the gateway writes it is read by hand", () => {
    // Beyond 49 bits the library reads.
    const numbers = count.filter((number) => number < 2 ** 49);
    fc.assert(
      fc.property(plainCommand(numbers), (bytes) => {
        const read = readPutCommand(bytes, 0, bytes.length);
        expect(read).toStrictEqual(byLibrary(bytes));
        expect(isMessage(read, CommandSchema)).toBe(true);
        expect(read?.request.case === "put" && isMessage(read.request.value, PutRequestSchema)).toBe(true);
      }),
    );
  });

  it("copies nothing of what it was read from", () => {
    const bytes = encodePutCommand(new Uint8Array(16), 1, Uint8Array.of(1), Uint8Array.of(2));
    const read = decodeCommand(bytes);
    const values =
      read.request.case === "put" ? [read.opId, read.request.value.key, read.request.value.value] : [];
    expect(values.map(({ buffer }) => buffer === bytes.buffer)).toEqual([true, true, true]);
  });
});

describe("a batch", () => {
  it("is read as the library reads it, whatever happened to its bytes", () => {
    fc.assert(
      fc.property(fc.array(command, { maxLength: 4 }), damage, (commands, changes) => {
        const data = damaged(encodeBatch(commands), changes);
        expect(attempt(() => decodeBatch(data))).toStrictEqual(attempt(() => batchByLibrary(data)));
      }),
      { numRuns: RUNS },
    );
  });

  it("has no command that reaches into the next one", () => {
    const put = encodePutCommand(new Uint8Array(16).fill(7), 3, Uint8Array.of(1), Uint8Array.of(2));
    for (let cut = 0; cut <= put.length; cut += 1) {
      const data = encodeBatch([put.subarray(0, cut), put]);
      expect(
        attempt(() => decodeBatch(data)),
        `cut at ${cut}`,
      ).toStrictEqual(attempt(() => batchByLibrary(data)));
    }
  });
});
