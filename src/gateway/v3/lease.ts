/** The Lease service. */
import { create } from "@bufbuild/protobuf";
import { LIMITS } from "../../base/limits.ts";
import {
  type LeaseGrantRequest,
  LeaseGrantRequestSchema,
  type LeaseGrantResponse,
  LeaseGrantResponseSchema,
  type LeaseKeepAliveRequest,
  type LeaseKeepAliveResponse,
  LeaseKeepAliveResponseSchema,
  LeaseLeasesRequestSchema,
  LeaseLeasesResponseSchema,
  LeaseRevokeRequestSchema,
  LeaseRevokeResponseSchema,
  LeaseTimeToLiveRequestSchema,
  LeaseTimeToLiveResponseSchema,
} from "../../wire/gen/etcd/rpc_pb.ts";
import type { Services } from "../services.ts";
import type { V3Call, V3Outcome } from "./call.ts";
import { query, write } from "./exchange.ts";
import { keepAliveStream } from "./lease-keep-alive.ts";
import { unary, type V3Method } from "./method.ts";

const REVOKE = unary(LeaseRevokeRequestSchema, LeaseRevokeResponseSchema, (call) =>
  write(call, { case: "leaseRevoke", value: call.request }, LeaseRevokeResponseSchema),
);
const TIME_TO_LIVE = unary(LeaseTimeToLiveRequestSchema, LeaseTimeToLiveResponseSchema, (call) =>
  query(call, { case: "leaseTimeToLive", value: call.request }, "leader", LeaseTimeToLiveResponseSchema),
);
const LEASES = unary(LeaseLeasesRequestSchema, LeaseLeasesResponseSchema, (call) =>
  query(call, { case: "leaseLeases", value: call.request }, "leader", LeaseLeasesResponseSchema),
);

/** Methods by their path below `/v3/`. Etcd has some of them twice. */
export const LEASE_METHODS: Readonly<Record<string, V3Method>> = {
  "lease/grant": unary(LeaseGrantRequestSchema, LeaseGrantResponseSchema, grant),
  "lease/revoke": REVOKE,
  "kv/lease/revoke": REVOKE,
  "lease/timetolive": TIME_TO_LIVE,
  "kv/lease/timetolive": TIME_TO_LIVE,
  "lease/leases": LEASES,
  "kv/lease/leases": LEASES,
  "lease/keepalive": keepAliveStream(keepAlive),
};

/** Grants a lease; its id is chosen here, or a retry of the command would grant another one. */
export function grant(call: V3Call<LeaseGrantRequest>): Promise<V3Outcome<LeaseGrantResponse>> {
  const value = completeGrant(call.services, call.request);
  return write(call, { case: "leaseGrant", value }, LeaseGrantResponseSchema);
}

/** Renews a lease. One that does not exist has no time. */
export function keepAlive(call: V3Call<LeaseKeepAliveRequest>): Promise<V3Outcome<LeaseKeepAliveResponse>> {
  return query(call, { case: "leaseKeepAlive", value: call.request }, "leader", LeaseKeepAliveResponseSchema);
}

/** With an id, and with the least time that makes sense: a lease should outlive an election. */
export function completeGrant({ config, entropy }: Services, request: LeaseGrantRequest): LeaseGrantRequest {
  const secondsMin = BigInt(Math.max(LIMITS.leaseTtlSecondsMin, Math.ceil(config.electionMs / 1_000)));
  let { ID, TTL } = request;
  if (TTL < secondsMin) TTL = secondsMin;
  while (ID === 0n) ID = randomId(entropy.bytes(8));
  return create(LeaseGrantRequestSchema, { ID, TTL });
}

/** A positive int64, or 0 once in a blue moon. */
function randomId(bytes: Uint8Array): bigint {
  return BigInt.asUintN(63, new DataView(bytes.buffer, bytes.byteOffset, 8).getBigUint64(0));
}
