/** Several keys and a comparison read at one moment: answered without a log entry, by any replica. */
import { create } from "@bufbuild/protobuf";
import { type RequestOp, TxnRequestSchema } from "../../../../src/wire/gen/etcd/rpc_pb.ts";
import type { NaiveStore } from "../naive-store.ts";
import { ALL_KEYS, drawKey, type ReadKind } from "./operation-kind.ts";
import { expectRange } from "./range.ts";
import { drawCompare, holds, rangeOp, txnAnswer } from "./txn.ts";

export const READ_TXN: ReadKind = {
  name: "read-txn",
  weight: 1.5,
  draw(context) {
    const { random, revision } = context;
    const key = drawKey(context);
    const request = create(TxnRequestSchema, {
      compare: [drawCompare(context, key)],
      success: [rangeOp({ key }), rangeOp(ALL_KEYS)],
      failure: [rangeOp(random.chance(0.5) ? { key } : ALL_KEYS)],
    });
    return {
      kind: "read",
      request: { case: "txn", value: request },
      consistency: random.chance(0.7) ? "linearizable" : "serializable",
      minRevision: random.chance(0.2) ? revision : 0,
    };
  },
  expect(store, request, revision, compactRevision) {
    if (request.case !== "txn") throw new Error("not a transaction");
    const { compare, success, failure } = request.value;
    const succeeded = compare.every((condition) => holds(store, condition, revision));
    const responses = (succeeded ? success : failure).map((operation) =>
      readOp(store, operation, revision, compactRevision),
    );
    return { kind: "applied", answer: { succeeded, responses } };
  },
  decode: txnAnswer,
};

function readOp(
  store: NaiveStore,
  { request }: RequestOp,
  revision: number,
  compactRevision: number,
): unknown {
  if (request.case !== "requestRange") throw new Error("it only reads");
  const expected = expectRange(store, request.value, revision, compactRevision);
  return expected.kind === "applied" ? expected.answer : expected;
}
