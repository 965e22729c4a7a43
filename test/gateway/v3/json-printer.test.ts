import { create, type MessageInitShape, toJsonString } from "@bufbuild/protobuf";
import { reflect } from "@bufbuild/protobuf/reflect";
import fc from "fast-check";
import { expect, test } from "vitest";
import { printBody, printPieces } from "../../../src/gateway/v3/json-printer.ts";
import { RangeResponseSchema, TxnResponseSchema } from "../../../src/wire/gen/etcd/rpc_pb.ts";

type Txn = MessageInitShape<typeof TxnResponseSchema>;

const value = fc.uint8Array({ maxLength: 8 });
const int64 = fc.bigInt({ min: 0n, max: 2n ** 63n - 1n });
const header = fc.record({ revision: int64, clusterId: fc.constantFrom(0n, 2n ** 64n - 1n) });
const kv = fc.record({ key: value, value, modRevision: int64, lease: int64 });
const range = fc.record({
  header,
  kvs: fc.array(kv, { maxLength: 3 }),
  more: fc.boolean(),
  count: fc.constantFrom(0n, 5n),
});
const { txn } = fc.letrec<{ txn: Txn; op: object }>((tie) => ({
  txn: fc.record(
    { header, succeeded: fc.boolean(), responses: fc.array(tie("op"), { maxLength: 3 }) },
    { requiredKeys: [] },
  ),
  op: fc
    .oneof(
      { depthSize: "small" },
      fc.record({ case: fc.constant("responseRange"), value: range }),
      fc.record({ case: fc.constant("responsePut"), value: fc.record({ header, prevKv: kv }) }),
      fc.constant({ case: undefined }),
      fc.record({ case: fc.constant("responseTxn"), value: tie("txn") }),
    )
    .map((response) => ({ response })),
}));

test("the pieces together are what protobuf prints at once", () => {
  fc.assert(
    fc.property(txn, (init) => {
      const message = create(TxnResponseSchema, init);
      const whole = toJsonString(TxnResponseSchema, message, { useProtoFieldName: true });
      expect([...printPieces(reflect(TxnResponseSchema, message))].join("")).toBe(whole);
      expect(printBody(TxnResponseSchema, message)).toBe(whole);
    }),
    { numRuns: 300 },
  );
});

test("a long answer is a stream of bounded chunks", async () => {
  const kvs = Array.from({ length: 300 }, (_, i) => ({
    key: new Uint8Array([i]),
    value: new Uint8Array(20_000),
  }));
  const message = create(RangeResponseSchema, { header: { revision: 7n }, kvs, count: 300n });
  const body = printBody(RangeResponseSchema, message);
  if (typeof body === "string") throw new Error("printed at once");
  let text = "";
  const decoder = new TextDecoder();
  for await (const chunk of body) {
    expect(chunk.length).toBeLessThan(1_200_000);
    text += decoder.decode(chunk, { stream: true });
  }
  expect(text).toBe(toJsonString(RangeResponseSchema, message, { useProtoFieldName: true }));
});
