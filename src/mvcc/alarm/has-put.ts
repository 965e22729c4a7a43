import type { RequestOp, TxnRequest } from "../../wire/gen/etcd/rpc_pb.ts";

/** True if any branch of a transaction puts, at any depth. */
export function hasPut({ success, failure }: TxnRequest): boolean {
  return success.some(puts) || failure.some(puts);
}

function puts({ request }: RequestOp): boolean {
  switch (request.case) {
    case "requestPut":
      return true;
    case "requestTxn":
      return hasPut(request.value);
    default:
      return false;
  }
}
