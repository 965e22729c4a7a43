/** What the log does to leases. */
import { create, toBinary } from "@bufbuild/protobuf";
import { LIMITS } from "../../base/limits.ts";
import type { ErrorKey } from "../../wire/errors.ts";
import type { LeaseCheckpoints, LeaseExpiry } from "../../wire/gen/edged_pb.ts";
import { type LeaseGrantRequest, LeaseGrantResponseSchema } from "../../wire/gen/etcd/rpc_pb.ts";
import type { ApplyOutcome } from "../apply-outcome.ts";
import { encodeHeaderOnly } from "../header-only.ts";
import type { StoreWriter } from "../store-writer.ts";
import type { LeaseTable } from "./lease-table.ts";

/** Why a lease cannot be granted, or null. Permissions and alarms come first. Source: etcd `lease/lessor.go`. */
function checkGrant(leases: LeaseTable, { ID, TTL }: LeaseGrantRequest): ErrorKey | null {
  if (TTL > BigInt(LIMITS.leaseTtlSecondsMax)) return "leaseTtlTooLarge";
  if (leases.get(ID) !== null) return "leaseExists";
  return leases.count >= LIMITS.leasesMax ? "tooManyRequests" : null;
}

/** When a command is run: the store's revision, and its own place among all commands. */
export interface CommandPlace {
  readonly revision: number;
  readonly sequence: number;
}

export function grantLease(
  leases: LeaseTable,
  request: LeaseGrantRequest,
  { revision, sequence }: CommandPlace,
): ApplyOutcome {
  const error = checkGrant(leases, request);
  if (error !== null) return { kind: "rejected", error, revision };
  const TTL = grantedTtl(request);
  leases.grant(request.ID, TTL, false, sequence);
  const header = { revision: BigInt(revision) };
  const response = create(LeaseGrantResponseSchema, { header, ID: request.ID, TTL });
  return {
    kind: "applied",
    revision,
    response: toBinary(LeaseGrantResponseSchema, response),
    complete: true,
  };
}

/**
 * Grants a lease and runs the command that attaches keys to it, or neither: a lease to which nothing
 * was attached goes at once, be the command refused or its conditions not met.
 */
export function runWithLease(
  leases: LeaseTable,
  request: LeaseGrantRequest,
  { revision, sequence }: CommandPlace,
  run: () => ApplyOutcome,
): ApplyOutcome {
  const error = checkGrant(leases, request);
  if (error !== null) return { kind: "rejected", error, revision };
  leases.grant(request.ID, grantedTtl(request), true, sequence);
  const outcome = run();
  leases.dropUnused(request.ID);
  return outcome;
}

/** Seconds that a lease gets: etcd raises what is too short. */
function grantedTtl({ TTL }: LeaseGrantRequest): bigint {
  const min = BigInt(LIMITS.leaseTtlSecondsMin);
  return TTL < min ? min : TTL;
}

/** Deletes the lease with its keys, which are one revision in key order; none if it has no keys. */
export function revokeLease(leases: LeaseTable, id: bigint, writer: StoreWriter): ApplyOutcome {
  if (leases.get(id) === null) return { kind: "rejected", error: "leaseNotFound", revision: writer.revision };
  for (const key of leases.keys(id)) writer.deleteKey(key);
  leases.remove(id);
  writer.finish();
  const { revision } = writer;
  return { kind: "applied", revision, response: encodeHeaderOnly(revision), complete: true };
}

/** The same for a lease whose time is over; one that was granted anew since its leader said so is not meant. */
export function expireLease(
  leases: LeaseTable,
  { id, granted }: LeaseExpiry,
  writer: StoreWriter,
): ApplyOutcome {
  if (leases.get(id)?.granted === granted) return revokeLease(leases, id, writer);
  return { kind: "rejected", error: "leaseNotFound", revision: writer.revision };
}

/** Notes how long leases still have. Those that are gone meanwhile, or others by now, are passed over. */
export function checkpointLeases(
  table: LeaseTable,
  { leases }: LeaseCheckpoints,
  revision: number,
): ApplyOutcome {
  for (const { id, remainingMs, granted } of leases) {
    const record = table.get(id);
    if (record?.granted === granted) table.put(id, { ...record, remainingMs });
  }
  return { kind: "applied", revision, response: encodeHeaderOnly(revision), complete: true };
}
