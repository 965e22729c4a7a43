/** Messages whose bytes are written by hand: those of the library, to the byte. */
import { create, toBinary } from "@bufbuild/protobuf";
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import fc from "fast-check";
import { expect, it } from "vitest";
import { encodeHeaderOnly } from "../../src/mvcc/header-only.ts";
import { encodeAnswers, type NewAnswer } from "../../src/mvcc/new-answers.ts";
import { ERRORS, type ErrorKey } from "../../src/wire/errors.ts";
import { RememberedAnswerSchema, RememberedAnswersSchema } from "../../src/wire/gen/edged_pb.ts";
import { DeleteRangeResponseSchema, PutResponseSchema } from "../../src/wire/gen/etcd/rpc_pb.ts";
import { appendSeen } from "../../src/wire/put-command.ts";
import { bytes, operationId, putOf, Store } from "./harness.ts";

const count = fc.oneof(
  fc.constantFrom(0, 1, 127, 128, 2 ** 31, 2 ** 32, Number.MAX_SAFE_INTEGER),
  fc.maxSafeNat(),
);
const revision = count;
const response = fc.oneof(
  fc.uint8Array({ maxLength: 40 }),
  fc.constantFrom(127, 128, 16_384).map((length) => new Uint8Array(length).fill(9)),
);

const outcome: fc.Arbitrary<NewAnswer["outcome"]> = fc.oneof(
  fc.record({ kind: fc.constant("applied" as const), revision, response, complete: fc.boolean() }),
  fc.record({
    kind: fc.constant("rejected" as const),
    revision,
    error: fc.constantFrom(...(Object.keys(ERRORS) as ErrorKey[])),
  }),
);
const answer = (first: number): fc.Arbitrary<NewAnswer> =>
  fc.record({
    opId: fc.uint8Array({ maxLength: 16 }),
    sequence: fc.nat(70_000).map((n) => first + n),
    outcome,
  });

const putAnswer = (of: number) =>
  toBinary(PutResponseSchema, create(PutResponseSchema, { header: { revision: BigInt(of) } }));

it("an answer of nothing but a revision", () => {
  fc.assert(
    fc.property(revision, (of) => {
      expect(encodeHeaderOnly(of)).toEqual(putAnswer(of));
      const other = create(DeleteRangeResponseSchema, { header: { revision: BigInt(of) } });
      expect(encodeHeaderOnly(of)).toEqual(toBinary(DeleteRangeResponseSchema, other));
    }),
  );
});

it("the stamp of how fresh an operation id is", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 20 }), count, (command, seen) => {
      const stamp = new BinaryWriter().tag(2, WireType.Varint).uint64(seen).finish();
      expect([...appendSeen(command, seen)]).toEqual([...command, ...(seen === 0 ? [] : stamp)]);
    }),
  );
});

it("answers that are remembered", () => {
  fc.assert(
    fc.property(
      fc
        .nat(70_000)
        .chain((first) => fc.tuple(fc.constant(first), fc.array(answer(first), { maxLength: 5 }))),
      ([first, answers]) => {
        const messages = answers.map(({ opId, sequence, outcome: of }) =>
          create(RememberedAnswerSchema, {
            opId,
            revision: BigInt(of.revision),
            position: sequence - first,
            ...(of.kind === "rejected" && { error: of.error }),
            ...(of.kind === "applied" && (of.complete ? { response: of.response } : { lost: true })),
          }),
        );
        const library = create(RememberedAnswersSchema, { answers: messages });
        expect(encodeAnswers(answers, first)).toEqual(toBinary(RememberedAnswersSchema, library));
      },
    ),
  );
});

it("what the state machine answers to a put, and what it remembers of it", () => {
  const store = new Store();
  store.apply(putOf({ key: bytes("a") }, operationId(0, 0)));
  const id = operationId(1, 1);
  const refused = operationId(2, 1);
  const { outcomes } = store.apply(
    putOf({ key: bytes("a"), value: bytes("1") }, id),
    putOf({ key: bytes("b"), ignoreValue: true }, refused),
  );
  expect(outcomes[0]).toEqual({ kind: "applied", revision: 3, response: putAnswer(3), complete: true });
  const answers = [
    { opId: operationId(0, 0).opId, revision: 2n, response: putAnswer(2), position: 0 },
    { opId: id.opId, revision: 3n, response: putAnswer(3), position: 1 },
    { opId: refused.opId, revision: 3n, error: "keyNotFound", position: 2 },
  ];
  const library = toBinary(RememberedAnswersSchema, create(RememberedAnswersSchema, { answers }));
  expect(store.machine.state().recent).toEqual({ first: 0, answers: library });
});
