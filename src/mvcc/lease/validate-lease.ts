/** What is wrong with a lease's request by itself. Source: etcd `lease/lessor.go`. */
import { LIMITS } from "../../base/limits.ts";
import type { ErrorKey } from "../../wire/errors.ts";
import type { LeaseGrantRequest } from "../../wire/gen/etcd/rpc_pb.ts";

/** Whoever proposes a lease has chosen its id: replicas cannot. */
export function validateGrant({ ID, TTL }: LeaseGrantRequest): ErrorKey | null {
  if (ID === 0n) return "invalidCommand";
  return TTL > BigInt(LIMITS.leaseTtlSecondsMax) ? "leaseTtlTooLarge" : null;
}
