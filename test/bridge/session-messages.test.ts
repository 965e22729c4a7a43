/** The messages of sessions, written and read by hand, are those that the generated code writes and reads. */
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import { expect, test } from "vitest";
import { decodeFromServer, encodeFromClient } from "../../scripts/bridge/session-messages.ts";
import { FromClientSchema, FromServerSchema } from "../../src/wire/gen/session_pb.ts";

const UINT32_MAX = 2 ** 32 - 1;
const uint32 = fc.nat(UINT32_MAX);
const text = fc.string({ unit: "grapheme" });
const bytes = fc.uint8Array({ maxLength: 300 });

test("what a client asks", () => {
  const call = fc.record({
    id: fc.integer({ min: 1, max: UINT32_MAX }),
    call: fc.record({
      path: text.filter((path) => path !== ""),
      request: bytes,
      metadata: fc.dictionary(text, text),
      timeoutMs: fc.option(fc.integer({ min: 1, max: UINT32_MAX })),
    }),
  });
  const message = fc.tuple(fc.array(call), fc.array(uint32), fc.maxSafeNat());
  fc.assert(
    fc.property(message, ([calls, cancels, takenBytes]) => {
      const read = fromBinary(FromClientSchema, encodeFromClient(calls, cancels, takenBytes));
      const told = calls.map(({ id, call: { timeoutMs, ...rest } }) => ({
        id,
        ...rest,
        timeoutMs: timeoutMs ?? 0,
      }));
      const expected = create(FromClientSchema, { calls: told, cancels, takenBytes: BigInt(takenBytes) });
      expect(read).toEqual(expected);
    }),
  );
});

test("what a server tells, and what it may tell one day", () => {
  const uint64 = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
  const origin = fc.record({ revision: uint64, term: uint64, replica: text, leader: text });
  const answer = fc.record({
    id: uint32,
    response: bytes,
    code: fc.nat(16),
    message: text,
    notBegun: fc.boolean(),
    origin: fc.option(origin, { nil: undefined }),
  });
  const message = fc.tuple(fc.array(answer), fc.array(text), fc.boolean());
  fc.assert(
    fc.property(message, ([answers, texts, isGoodbye]) => {
      const known = toBinary(
        FromServerSchema,
        create(FromServerSchema, {
          answers: answers.map(({ origin: told, ...rest }) => (told ? { ...rest, origin: told } : rest)),
          problems: texts.map((problem) => ({ messageNumber: 1, callNumber: 2, text: problem })),
          ...(isGoodbye ? { goodbye: { lastId: 3, reason: "enough" } } : {}),
        }),
      );
      // A field 15 of each kind.
      const unknown = Uint8Array.of(0x7a, 2, 1, 2, 0x78, 5);
      const read = decodeFromServer(Buffer.concat([unknown, known, unknown]));
      expect(read.answers.map((told) => ({ ...told, response: Uint8Array.from(told.response) }))).toEqual(
        answers.map(({ origin: told, ...rest }) => ({
          ...rest,
          origin:
            told === undefined ? null : { ...told, revision: String(told.revision), term: String(told.term) },
        })),
      );
      expect(read.problems).toEqual(texts);
      expect(read.isGoodbye).toBe(isGoodbye);
    }),
  );
});

test("what is no message throws", () => {
  for (const broken of [[0xff], [0x12, 5, 8, 1], [0x12, 4, 18, 9, 1, 2], [0x12, 2, 50, 9]]) {
    expect(() => decodeFromServer(Uint8Array.from(broken))).toThrow();
  }
});
