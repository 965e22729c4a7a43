import type {
  DeleteRangeRequest,
  PutRequest,
  RangeRequest,
  RequestOp,
  TxnRequest,
} from "../wire/gen/etcd/rpc_pb.ts";
import { holds } from "./compare.ts";
import type { KvTable } from "./kv-table.ts";

/** One operation on the path that a transaction takes. */
export type PathOperation =
  | { readonly kind: "range"; readonly request: RangeRequest }
  | { readonly kind: "put"; readonly request: PutRequest }
  | { readonly kind: "deleteRange"; readonly request: DeleteRangeRequest }
  | { readonly kind: "txn"; readonly path: TxnPath };

/** A transaction with its compares decided: only the operations that will run. */
export interface TxnPath {
  readonly succeeded: boolean;
  readonly operations: readonly PathOperation[];
}

/**
 * Decides all compares of a transaction, nested ones included, before anything of it has run.
 * `bound` is the store's newest position.
 */
export function decidePath(table: KvTable, request: TxnRequest, bound: number): TxnPath {
  const succeeded = request.compare.every((compare) => holds(table, compare, bound));
  const branch = succeeded ? request.success : request.failure;
  const operations: PathOperation[] = [];
  for (const operation of branch) {
    const decided = decideOperation(table, operation, bound);
    if (decided !== null) operations.push(decided);
  }
  return { succeeded, operations };
}

/** Null for an operation that says nothing, which validation has refused already. */
function decideOperation(table: KvTable, operation: RequestOp, bound: number): PathOperation | null {
  switch (operation.request.case) {
    case "requestRange":
      return { kind: "range", request: operation.request.value };
    case "requestPut":
      return { kind: "put", request: operation.request.value };
    case "requestDeleteRange":
      return { kind: "deleteRange", request: operation.request.value };
    case "requestTxn":
      return { kind: "txn", path: decidePath(table, operation.request.value, bound) };
    case undefined:
      return null;
  }
}

/** All operations of a path in the order they run, nested transactions replaced by their own. */
export function* flatten(path: TxnPath): Generator<Exclude<PathOperation, { kind: "txn" }>, void> {
  for (const operation of path.operations) {
    if (operation.kind === "txn") yield* flatten(operation.path);
    else yield operation;
  }
}
