/** The Lock service: whoever is first below a name holds its lock. */
import { create } from "@bufbuild/protobuf";
import {
  type LockRequest,
  LockRequestSchema,
  type LockResponse,
  LockResponseSchema,
  type UnlockRequest,
  UnlockRequestSchema,
  type UnlockResponse,
  UnlockResponseSchema,
} from "../../../wire/gen/etcd/lock_pb.ts";
import { DeleteRangeRequestSchema, DeleteRangeResponseSchema } from "../../../wire/gen/etcd/rpc_pb.ts";
import type { V3Call, V3Outcome } from "../call.ts";
import { write } from "../exchange.ts";
import { unary, type V3Method } from "../method.ts";
import { campaignFor, fencingHeaders } from "./campaign.ts";
import { asUnknown, innerCall } from "./inner-call.ts";

/** etcd 3.5's words; 3.4 says that the lock is held. */
const EXPIRED = "mutex: session is expired";

export const LOCK_METHODS: Readonly<Record<string, V3Method>> = {
  "lock/lock": { ...unary(LockRequestSchema, LockResponseSchema, lock), mayWait: true },
  "lock/unlock": unary(UnlockRequestSchema, UnlockResponseSchema, unlock),
};

async function lock(call: V3Call<LockRequest>): Promise<V3Outcome<LockResponse>> {
  const { name, lease } = call.request;
  const won = await campaignFor(call, { name, lease, value: null, expiredText: EXPIRED });
  if (!won.ok) return won.error;
  const { candidacy, turn } = won.value;
  const message = create(LockResponseSchema, { header: turn.header, key: candidacy.key });
  return { kind: "answered", message, origin: turn.origin, headers: fencingHeaders(candidacy) };
}

async function unlock(call: V3Call<UnlockRequest>): Promise<V3Outcome<UnlockResponse>> {
  const value = create(DeleteRangeRequestSchema, { key: call.request.key });
  const inner = innerCall(call, value);
  const outcome = await write(inner, { case: "deleteRange", value }, DeleteRangeResponseSchema);
  if (outcome.kind === "refused") return asUnknown(outcome);
  const message = create(UnlockResponseSchema, { header: outcome.message.header });
  return { kind: "answered", message, origin: outcome.origin };
}
