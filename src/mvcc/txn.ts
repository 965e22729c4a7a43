import { create } from "@bufbuild/protobuf";
import { assertNever } from "../base/assert.ts";
import {
  type RangeRequest,
  type RangeResponse,
  RangeResponseSchema,
  type ResponseOp,
  ResponseOpSchema,
  type TxnResponse,
  TxnResponseSchema,
} from "../wire/gen/etcd/rpc_pb.ts";
import type { KvTable } from "./kv-table.ts";
import { executeRange } from "./range.ts";
import type { StoreWriter } from "./store-writer.ts";
import type { PathOperation, TxnPath } from "./txn-path.ts";

/** What a running transaction works with. */
export interface TxnContext {
  readonly table: KvTable;
  readonly writer: StoreWriter;
}

/** Runs a path that was checked. Its operations run in order and see each other's writes. */
export function runTxn(context: TxnContext, path: TxnPath): TxnResponse {
  const responses = runOperations(context, path);
  const header = { revision: BigInt(context.writer.revision) };
  return create(TxnResponseSchema, { header, succeeded: path.succeeded, responses });
}

function runOperations(context: TxnContext, path: TxnPath): ResponseOp[] {
  return path.operations.map((operation) =>
    create(ResponseOpSchema, { response: runOperation(context, operation) }),
  );
}

function runOperation(context: TxnContext, operation: PathOperation): ResponseOp["response"] {
  switch (operation.kind) {
    case "range":
      return { case: "responseRange", value: runRange(context, operation.request) };
    case "put":
      return { case: "responsePut", value: context.writer.put(operation.request) };
    case "deleteRange":
      return { case: "responseDeleteRange", value: context.writer.deleteRange(operation.request) };
    case "txn": {
      const responses = runOperations(context, operation.path);
      const { succeeded } = operation.path;
      return { case: "responseTxn", value: create(TxnResponseSchema, { header: {}, succeeded, responses }) };
    }
    default:
      return assertNever(operation, "a transaction's operation");
  }
}

function runRange({ table, writer }: TxnContext, request: RangeRequest): RangeResponse {
  const { budget } = writer;
  // Once the answer is lost, reading more for it would only cost.
  if (budget.isExceeded) return create(RangeResponseSchema);
  const result = executeRange(table, request, writer.view(), true);
  if (!result.ok) {
    budget.exceed();
    return create(RangeResponseSchema);
  }
  for (const kv of result.value.kvs) budget.take(kv.key.length + kv.value.length);
  return result.value;
}
