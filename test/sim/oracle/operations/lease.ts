/** Leases: granted and revoked by clients, ended and noted by leaders. Few ids, so that they are used again. */
import { create, fromBinary } from "@bufbuild/protobuf";
import {
  LeaseGrantRequestSchema,
  LeaseGrantResponseSchema,
  LeaseRevokeRequestSchema,
} from "../../../../src/wire/gen/etcd/rpc_pb.ts";
import type { NaiveStore } from "../naive-store.ts";
import type { DrawContext, Expected, OperationKind, WriteKind } from "./operation-kind.ts";

export const LEASE_IDS = 5;
const TTL_SECONDS_MIN = 2;
const TTL_SECONDS_MAX = 8;

export function drawLease({ random }: DrawContext): bigint {
  return BigInt(1 + random.below(LEASE_IDS));
}

export const LEASE_GRANT: WriteKind = {
  name: "grant",
  weight: 2,
  requestCase: "leaseGrant",
  draw(context) {
    const TTL = BigInt(TTL_SECONDS_MIN + context.random.below(TTL_SECONDS_MAX - TTL_SECONDS_MIN + 1));
    const value = create(LeaseGrantRequestSchema, { ID: drawLease(context), TTL });
    return { kind: "write", request: { case: "leaseGrant", value } };
  },
  execute(store, request) {
    if (request.case !== "leaseGrant") throw new Error("not a grant");
    const { ID, TTL } = request.value;
    if (store.leases.has(ID)) return { kind: "rejected", error: "leaseExists" };
    store.leases.set(ID, Number(TTL) * 1_000);
    store.granted.set(ID, store.place);
    store.leaseEvents.push({ id: ID, kind: "granted" });
    return { kind: "applied", answer: { id: String(ID), ttl: Number(TTL) } };
  },
  decode(response) {
    const { ID, TTL } = fromBinary(LeaseGrantResponseSchema, response);
    return { id: String(ID), ttl: Number(TTL) };
  },
};

export const LEASE_REVOKE: WriteKind = {
  name: "revoke",
  weight: 0.7,
  requestCase: "leaseRevoke",
  draw(context) {
    const value = create(LeaseRevokeRequestSchema, { ID: drawLease(context) });
    return { kind: "write", request: { case: "leaseRevoke", value } };
  },
  execute(store, request) {
    if (request.case !== "leaseRevoke") throw new Error("not a revocation");
    return end(store, request.value.ID, "revoked");
  },
  decode: () => ({}),
};

/** Of the leader alone. */
export const LEASE_EXPIRY: WriteKind = {
  name: "expiry",
  weight: 0,
  requestCase: "leaseExpiry",
  draw: () => {
    throw new Error("clients end no leases in this way");
  },
  execute(store, request) {
    if (request.case !== "leaseExpiry") throw new Error("not an expiry");
    const { id, granted } = request.value;
    if (store.granted.get(id) !== Number(granted)) return { kind: "rejected", error: "leaseNotFound" };
    return end(store, id, "expired");
  },
  decode: () => ({}),
};

/** Of the leader alone; tells nothing that clients could see. */
export const LEASE_CHECKPOINTS: WriteKind = {
  name: "checkpoints",
  weight: 0,
  requestCase: "leaseCheckpoints",
  draw: () => {
    throw new Error("clients know nothing of checkpoints");
  },
  execute: () => ({ kind: "applied", answer: {} }),
  decode: () => ({}),
};

export const LEASE_KEEP_ALIVE: OperationKind = {
  name: "keep-alive",
  weight: 5,
  draw: (context) => ({ kind: "keep-alive", lease: drawLease(context) }),
};

/** The keys go in one revision, in their order. */
function end(store: NaiveStore, id: bigint, kind: "revoked" | "expired"): Expected {
  if (!store.leases.has(id)) return { kind: "rejected", error: "leaseNotFound" };
  for (const key of store.keysOf(id)) store.write(key, null);
  store.leases.delete(id);
  store.granted.delete(id);
  store.leaseEvents.push({ id, kind });
  return { kind: "applied", answer: {} };
}
