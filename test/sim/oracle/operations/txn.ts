/** Compare-and-swap, as locks and counters use it, with a second write of the same revision. */
import { create, fromBinary } from "@bufbuild/protobuf";
import { toHex } from "../../../../src/base/bytes.ts";
import {
  type Compare,
  Compare_CompareResult,
  Compare_CompareTarget,
  CompareSchema,
  DeleteRangeRequestSchema,
  PutRequestSchema,
  RangeRequestSchema,
  type RequestOp,
  RequestOpSchema,
  type ResponseOp,
  TxnRequestSchema,
  TxnResponseSchema,
} from "../../../../src/wire/gen/etcd/rpc_pb.ts";
import { utf8 } from "../../../../src/wire/text.ts";
import type { NaiveStore } from "../naive-store.ts";
import { deleteAnswer, executeDelete } from "./delete-range.ts";
import { LEASE_IDS } from "./lease.ts";
import { ALL_KEYS, type DrawContext, drawKey, drawValue, type WriteKind } from "./operation-kind.ts";
import { executePut, putAnswer } from "./put.ts";
import { expectRange, rangeAnswer } from "./range.ts";

export const TXN: WriteKind = {
  name: "txn",
  weight: 4,
  requestCase: "txn",
  draw(context) {
    const key = drawKey(context);
    const value = create(TxnRequestSchema, {
      compare: [drawCompare(context, key)],
      success: drawSuccess(context, key),
      failure: [rangeOp(context.random.chance(0.5) ? { key } : ALL_KEYS)],
    });
    return { kind: "write", request: { case: "txn", value } };
  },
  execute(store, request) {
    if (request.case !== "txn") throw new Error("not a transaction");
    const { compare, success, failure } = request.value;
    const succeeded = compare.every((condition) => holds(store, condition));
    const operations = succeeded ? success : failure;
    const error = refusalOf(store, operations);
    if (error !== null) return { kind: "rejected", error };
    const responses = operations.map((operation) => executeOp(store, operation));
    return { kind: "applied", answer: { succeeded, responses } };
  },
  decode: txnAnswer,
};

/** All or nothing: what one operation lacks, all puts first, refuses the others too. */
function refusalOf(
  { leases, revision, compactRevision }: NaiveStore,
  operations: RequestOp[],
): string | null {
  const lacksLease = operations.some(
    ({ request }) =>
      request.case === "requestPut" && request.value.lease !== 0n && !leases.has(request.value.lease),
  );
  if (lacksLease) return "leaseNotFound";
  for (const { request } of operations) {
    if (request.case !== "requestRange" || request.value.revision === 0n) continue;
    if (request.value.revision > BigInt(revision)) return "futureRevision";
    if (request.value.revision < BigInt(compactRevision)) return "compacted";
  }
  return null;
}

export function txnAnswer(response: Uint8Array): unknown {
  const { succeeded, responses } = fromBinary(TxnResponseSchema, response);
  return { succeeded, responses: responses.map(opAnswer) };
}

export function drawCompare(context: DrawContext, key: Uint8Array): Compare {
  const seen = context.modRevision(toHex(key));
  return create(CompareSchema, {
    key,
    target: Compare_CompareTarget.MOD,
    result: context.random.chance(0.9) ? Compare_CompareResult.EQUAL : Compare_CompareResult.GREATER,
    targetUnion: { case: "modRevision", value: BigInt(seen) },
  });
}

function drawSuccess(context: DrawContext, key: Uint8Array): RequestOp[] {
  const value = drawValue(context);
  const put = create(PutRequestSchema, { key, value, prevKv: true, lease: leaseOf(context) });
  const operations = [create(RequestOpSchema, { request: { case: "requestPut", value: put } })];
  if (context.random.chance(0.3)) operations.push(rangeOp(ALL_KEYS, pastOf(context)));
  if (context.random.chance(0.3)) {
    const other = utf8(`k-other${context.random.below(3)}`);
    const value = create(DeleteRangeRequestSchema, { key: other, prevKv: true });
    const second = context.random.chance(0.5)
      ? create(PutRequestSchema, { key: other, value: drawValue(context) })
      : null;
    operations.push(
      create(RequestOpSchema, {
        request:
          second === null ? { case: "requestDeleteRange", value } : { case: "requestPut", value: second },
      }),
    );
  }
  return operations;
}

/** Now and then a lease, of those that are drawn, which may not exist. */
function leaseOf({ number, usesLeases }: DrawContext): bigint {
  return usesLeases && number % 5 === 2 ? BigInt(1 + (number % LEASE_IDS)) : 0n;
}

/** Now and then a revision of the past, which may be compacted, or of the future; else 0. */
function pastOf({ number, revision }: DrawContext): number {
  return number % 3 === 0 ? Math.max(1, revision + 2 - (number % 20)) : 0;
}

export function rangeOp(
  span: { readonly key: Uint8Array; readonly rangeEnd?: Uint8Array },
  revision = 0,
): RequestOp {
  const value = create(RangeRequestSchema, { ...span, revision: BigInt(revision) });
  return create(RequestOpSchema, { request: { case: "requestRange", value } });
}

/** Whether the store, or the store as it was at `revision`, is as the comparison says. */
export function holds(store: NaiveStore, compare: Compare, revision?: number): boolean {
  if (compare.targetUnion.case !== "modRevision") throw new Error("clients compare mod revisions only");
  const mod = store.live(toHex(compare.key), revision)?.mod ?? 0;
  const wanted = Number(compare.targetUnion.value);
  return compare.result === Compare_CompareResult.EQUAL ? mod === wanted : mod > wanted;
}

function executeOp(store: NaiveStore, { request }: RequestOp): unknown {
  switch (request.case) {
    case "requestPut":
      return executePut(store, request.value);
    case "requestDeleteRange":
      return executeDelete(store, request.value);
    case "requestRange": {
      const expected = expectRange(store, request.value, store.seenRevision, store.compactRevision);
      return expected.kind === "applied" ? expected.answer : expected;
    }
    default:
      throw new Error("not among the operations clients use");
  }
}

function opAnswer({ response }: ResponseOp): unknown {
  switch (response.case) {
    case "responsePut":
      return putAnswer(response.value);
    case "responseDeleteRange":
      return deleteAnswer(response.value);
    case "responseRange":
      return rangeAnswer(response.value);
    default:
      throw new Error("not among the operations clients use");
  }
}
