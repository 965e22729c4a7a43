/** A read of one key without the general codec: the same bytes, and the same values from them. */
import { create, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { KeyValueSchema } from "../../src/wire/gen/etcd/kv_pb.ts";
import {
  RangeRequestSchema,
  type RangeResponse,
  RangeResponseSchema,
  type ResponseHeader,
} from "../../src/wire/gen/etcd/rpc_pb.ts";
import {
  encodePlainAnswer,
  encodePlainRequest,
  type PlainPair,
  readPlainAnswer,
  readPlainRequest,
} from "../../src/wire/plain-range.ts";

const number = fc.oneof(fc.constant(0), fc.nat(300), fc.maxSafeNat(), fc.constant(Number.MAX_SAFE_INTEGER));
const int64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
const pair: fc.Arbitrary<PlainPair> = fc.record({
  key: fc.uint8Array({ maxLength: 200 }),
  createRevision: number,
  modRevision: number,
  version: number,
  value: fc.oneof(fc.uint8Array({ maxLength: 200 }), fc.uint8Array({ minLength: 16_300, maxLength: 16_500 })),
  lease: fc.oneof(fc.constant(0n), int64),
});

/** `more`: fields that a plain answer has not. */
function answerOf(
  revision: bigint,
  pairs: readonly PlainPair[],
  more: Pick<MessageInitShape<typeof RangeResponseSchema>, "header" | "more"> = {},
): Uint8Array {
  const kvs = pairs.map((found) =>
    create(KeyValueSchema, {
      ...found,
      createRevision: BigInt(found.createRevision),
      modRevision: BigInt(found.modRevision),
      version: BigInt(found.version),
    }),
  );
  return toBinary(
    RangeResponseSchema,
    create(RangeResponseSchema, { header: { revision }, kvs, count: BigInt(kvs.length), ...more }),
  );
}

/** The outcome of `read`, or undefined if it refuses. */
function tried<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}

function isCount(value: bigint): boolean {
  return value >= 0n && value <= BigInt(Number.MAX_SAFE_INTEGER);
}

function isOnlyRevision(header: ResponseHeader | undefined): boolean {
  if (header === undefined) return true;
  const { $unknown, clusterId, memberId, raftTerm } = header;
  return $unknown === undefined && clusterId === 0n && memberId === 0n && raftTerm === 0n;
}

/** Whether the general codec would have written the same, as an answer to a read of one key. */
function isPlainAnswer(message: RangeResponse, bytes: Uint8Array): boolean {
  const [first, second] = message.kvs;
  const numbers = first === undefined ? [] : [first.createRevision, first.modRevision, first.version];
  return (
    second === undefined &&
    isOnlyRevision(message.header) &&
    !message.more &&
    message.$unknown === undefined &&
    first?.$unknown === undefined &&
    numbers.every(isCount) &&
    Buffer.from(toBinary(RangeResponseSchema, message)).equals(bytes)
  );
}

/** `bytes` with some of them changed, put in or left out. */
const damaged = (bytes: fc.Arbitrary<Uint8Array>): fc.Arbitrary<Uint8Array> =>
  fc
    .tuple(bytes, fc.array(fc.tuple(fc.nat(), fc.nat(255), fc.nat(2)), { minLength: 1, maxLength: 3 }))
    .map(([sound, changes]) => {
      const now = [...sound];
      for (const [where, byte, kind] of changes) {
        // Lengths and tags are at the beginning.
        const place = where % Math.min(now.length + 1, 40);
        now.splice(place, kind === 1 ? 0 : 1, ...(kind === 2 ? [] : [byte]));
      }
      return Uint8Array.from(now);
    });

const small = pair.map((found) => ({ ...found, key: found.key.slice(0, 5), value: found.value.slice(0, 5) }));
const answer = fc.oneof(
  fc.tuple(int64, fc.array(small, { maxLength: 2 })).map(([revision, pairs]) => answerOf(revision, pairs)),
  fc
    .tuple(fc.array(small, { maxLength: 1 }), fc.boolean())
    .map(([pairs, more]) => answerOf(5n, pairs, more ? { more } : { header: { raftTerm: 1n } })),
  int64.map((version) => toBinary(RangeResponseSchema, create(RangeResponseSchema, { kvs: [{ version }] }))),
);

describe("an answer", () => {
  test("is written as the general codec writes it, and read back", () => {
    fc.assert(
      fc.property(number, fc.option(pair, { nil: null }), (revision, found) => {
        const bytes = encodePlainAnswer(revision, found);
        expect(bytes).toEqual(answerOf(BigInt(revision), found === null ? [] : [found]));
        const { key: _key, lease: _lease, ...shown } = found ?? { key: null, lease: null };
        expect(readPlainAnswer(bytes)).toEqual(found === null ? null : shown);
      }),
    );
  });

  test("of any bytes is read as the general codec reads it, or is none to either", () => {
    fc.assert(
      fc.property(fc.oneof(damaged(answer), answer, fc.uint8Array({ maxLength: 12 })), (bytes) => {
        const read = tried(() => readPlainAnswer(bytes));
        const message = tried(() => fromBinary(RangeResponseSchema, bytes));
        if (read === undefined) return message === undefined || !isPlainAnswer(message, bytes);
        const known = message?.kvs[0];
        if (read === null) return message !== undefined && known === undefined;
        expect({ ...read, value: [...read.value] }).toEqual({
          createRevision: Number(known?.createRevision),
          modRevision: Number(known?.modRevision),
          version: Number(known?.version),
          value: [...(known?.value ?? [])],
        });
        return true;
      }),
      { numRuns: 5_000 },
    );
  });
});

describe("an answer that is not whole", () => {
  test("is refused wherever it was cut, but for its end between two fields", () => {
    fc.assert(
      fc.property(small, (found) => {
        const bytes = encodePlainAnswer(5, found);
        for (let length = 1; length < bytes.length; length += 1) {
          const cut = bytes.subarray(0, length);
          const isBetween = length === 4 || length === bytes.length - 2;
          expect(tried(() => readPlainAnswer(cut)) !== undefined).toBe(isBetween);
        }
      }),
    );
  });

  test("is refused for a number of more than ten bytes", () => {
    const ofBytes = (count: number) => Uint8Array.of(0x20, ...Array(count - 1).fill(0x80), 0);
    for (const read of [readPlainAnswer, (bytes: Uint8Array) => fromBinary(RangeResponseSchema, bytes)]) {
      expect(tried(() => read(ofBytes(10)))).not.toBe(undefined);
      expect(tried(() => read(ofBytes(11)))).toBe(undefined);
    }
  });
});

describe("a request", () => {
  test("is written as the general codec writes it, and its key read back", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 300 }), (key) => {
        const bytes = encodePlainRequest(key);
        expect(bytes).toEqual(toBinary(RangeRequestSchema, create(RangeRequestSchema, { key })));
        expect(readPlainRequest(bytes)).toEqual(key);
      }),
    );
  });

  test("for anything but a key is not plain, whatever its bytes", () => {
    const request = fc
      .record({ key: fc.uint8Array({ maxLength: 5 }), limit: fc.bigInt(0n, 3n), keysOnly: fc.boolean() })
      .map((fields) => toBinary(RangeRequestSchema, create(RangeRequestSchema, fields)));
    fc.assert(
      fc.property(fc.oneof(request, damaged(request), fc.uint8Array({ maxLength: 12 })), (bytes) => {
        const key = readPlainRequest(bytes);
        const message = tried(() => fromBinary(RangeRequestSchema, bytes));
        if (key !== null) {
          expect(message).toEqual(create(RangeRequestSchema, { key }));
        } else if (message !== undefined && message.key.length > 0) {
          const alone = toBinary(RangeRequestSchema, create(RangeRequestSchema, { key: message.key }));
          expect(Buffer.from(alone).equals(bytes)).toBe(false);
        }
      }),
      { numRuns: 5_000 },
    );
  });
});
