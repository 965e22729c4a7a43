/** What is wrong with a lease's request by itself. */
import type { ErrorKey } from "../../wire/errors.ts";
import type { LeaseGrantRequest } from "../../wire/gen/etcd/rpc_pb.ts";

/** Whoever proposes a lease has chosen its id: replicas cannot. */
export function validateGrant({ ID }: LeaseGrantRequest): ErrorKey | null {
  return ID === 0n ? "invalidCommand" : null;
}
