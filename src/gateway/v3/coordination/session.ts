import { create } from "@bufbuild/protobuf";
import { err, ok, type Result } from "../../../base/result.ts";
import {
  LeaseGrantRequestSchema,
  LeaseKeepAliveRequestSchema,
  LeaseRevokeRequestSchema,
  LeaseRevokeResponseSchema,
} from "../../../wire/gen/etcd/rpc_pb.ts";
import type { V3Call } from "../call.ts";
import { write } from "../exchange.ts";
import { grant, keepAlive } from "../lease.ts";
import type { V3Refusal } from "../refusal.ts";
import { innerCall } from "./inner-call.ts";

/** etcd's default: what a client gets that brings no lease. */
const SESSION_SECONDS = 60n;

/** The lease that a candidate lives by. */
export interface Session {
  readonly lease: bigint;
  /** Granted here: kept alive while its client waits, and given back if nothing comes of it. */
  readonly isOwn: boolean;
}

export async function openSession(call: V3Call<unknown>, lease: bigint): Promise<Result<Session, V3Refusal>> {
  if (lease !== 0n) return ok({ lease, isOwn: false });
  const request = create(LeaseGrantRequestSchema, { TTL: SESSION_SECONDS });
  const granted = await grant(innerCall(call, request));
  return granted.kind === "refused" ? err(granted) : ok({ lease: granted.message.ID, isOwn: true });
}

/** Called from time to time. A lease that the client brought is the client's to renew. */
export async function keepSession(call: V3Call<unknown>, { lease, isOwn }: Session): Promise<void> {
  if (isOwn) await keepAlive(innerCall(call, create(LeaseKeepAliveRequestSchema, { ID: lease })));
}

export async function closeSession(call: V3Call<unknown>, { lease, isOwn }: Session): Promise<void> {
  if (!isOwn) return;
  const value = create(LeaseRevokeRequestSchema, { ID: lease });
  await write(innerCall(call, value), { case: "leaseRevoke", value }, LeaseRevokeResponseSchema);
}
