/** The model's operations as requests of the wire, answers of the wire as the model's, and generators. */
import { create, fromBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import type { ApplyOutcome } from "../../src/mvcc/apply-outcome.ts";
import type { LeaseTable } from "../../src/mvcc/lease/lease-table.ts";
import {
  type Command,
  CommandSchema,
  LeaseCheckpointsSchema,
  LeaseExpirySchema,
} from "../../src/wire/gen/edged_pb.ts";
import type { KeyValue } from "../../src/wire/gen/etcd/kv_pb.ts";
import {
  type Compare,
  Compare_CompareResult,
  Compare_CompareTarget,
  CompareSchema,
  type DeleteRangeRequest,
  DeleteRangeRequestSchema,
  type DeleteRangeResponse,
  LeaseGrantRequestSchema,
  LeaseGrantResponseSchema,
  LeaseRevokeRequestSchema,
  LeaseRevokeResponseSchema,
  type PutRequest,
  PutRequestSchema,
  type PutResponse,
  type RangeRequest,
  RangeRequest_SortOrder,
  RangeRequest_SortTarget,
  RangeRequestSchema,
  type RangeResponse,
  type RequestOp,
  RequestOpSchema,
  type ResponseOp,
  type TxnRequest,
  TxnRequestSchema,
  type TxnResponse,
} from "../../src/wire/gen/etcd/rpc_pb.ts";
import { fromUtf8 } from "../../src/wire/text.ts";
import { bytes, decodeResponse, deleteOf, type OperationId, putOf, txnOf } from "./harness.ts";
import type { CompareOp, DeleteOp, LeaseOp, Op, Pair, PutOp, RangeOp, TxnOp } from "./naive-model.ts";

const SORT = {
  none: RangeRequest_SortOrder.NONE,
  ascend: RangeRequest_SortOrder.ASCEND,
  descend: RangeRequest_SortOrder.DESCEND,
};
const TARGET = {
  key: RangeRequest_SortTarget.KEY,
  version: RangeRequest_SortTarget.VERSION,
  create: RangeRequest_SortTarget.CREATE,
  mod: RangeRequest_SortTarget.MOD,
  value: RangeRequest_SortTarget.VALUE,
};
const RESULT = {
  equal: Compare_CompareResult.EQUAL,
  greater: Compare_CompareResult.GREATER,
  less: Compare_CompareResult.LESS,
  notEqual: Compare_CompareResult.NOT_EQUAL,
};

export function rangeRequest(op: RangeOp): RangeRequest {
  return create(RangeRequestSchema, {
    key: bytes(op.key),
    rangeEnd: bytes(op.end),
    revision: BigInt(op.revision),
    limit: BigInt(op.limit),
    sortOrder: SORT[op.sort],
    sortTarget: TARGET[op.target],
    keysOnly: op.keysOnly,
    countOnly: op.countOnly,
    minModRevision: BigInt(op.minMod),
    maxCreateRevision: BigInt(op.maxCreate),
  });
}

const putRequest = (op: PutOp): PutRequest =>
  create(PutRequestSchema, {
    key: bytes(op.key),
    value: op.ignoreValue ? bytes("") : bytes(op.value),
    prevKv: op.prevKv,
    ignoreValue: op.ignoreValue,
    lease: BigInt(op.lease),
    ignoreLease: op.ignoreLease,
  });

const deleteRequest = (op: DeleteOp): DeleteRangeRequest =>
  create(DeleteRangeRequestSchema, { key: bytes(op.key), rangeEnd: bytes(op.end), prevKv: op.prevKv });

const txnRequest = (op: TxnOp): TxnRequest =>
  create(TxnRequestSchema, {
    compare: op.compare.map(compareRequest),
    success: op.success.map(requestOp),
    failure: op.failure.map(requestOp),
  });

function compareRequest(op: CompareOp): Compare {
  const common = { key: bytes(op.key), rangeEnd: bytes(op.end), result: RESULT[op.result] };
  const count = typeof op.operand === "number" ? BigInt(op.operand) : 0n;
  switch (op.target) {
    case "version":
      return create(CompareSchema, {
        ...common,
        target: Compare_CompareTarget.VERSION,
        targetUnion: { case: "version", value: count },
      });
    case "create":
      return create(CompareSchema, {
        ...common,
        target: Compare_CompareTarget.CREATE,
        targetUnion: { case: "createRevision", value: count },
      });
    case "mod":
      return create(CompareSchema, {
        ...common,
        target: Compare_CompareTarget.MOD,
        targetUnion: { case: "modRevision", value: count },
      });
    case "lease":
      return create(CompareSchema, {
        ...common,
        target: Compare_CompareTarget.LEASE,
        targetUnion: { case: "lease", value: count },
      });
    case "value":
      return create(CompareSchema, {
        ...common,
        target: Compare_CompareTarget.VALUE,
        targetUnion: { case: "value", value: bytes(String(op.operand)) },
      });
  }
}

function requestOp(op: Op): RequestOp {
  switch (op.kind) {
    case "range":
      return create(RequestOpSchema, { request: { case: "requestRange", value: rangeRequest(op) } });
    case "put":
      return create(RequestOpSchema, { request: { case: "requestPut", value: putRequest(op) } });
    case "delete":
      return create(RequestOpSchema, { request: { case: "requestDeleteRange", value: deleteRequest(op) } });
    case "txn":
      return create(RequestOpSchema, { request: { case: "requestTxn", value: txnRequest(op) } });
  }
}

/** A write as a command; a range alone is not one. */
export function commandOf(op: PutOp | DeleteOp | TxnOp, id?: OperationId): Command {
  switch (op.kind) {
    case "put":
      return putOf(putRequest(op), id);
    case "delete":
      return deleteOf(deleteRequest(op), id);
    case "txn":
      return txnOf(txnRequest(op), id);
  }
}

/** `leases`: as they are; what ends or is noted is the lease that is there. */
export function leaseCommandOf(op: LeaseOp, id: OperationId, leases: Pick<LeaseTable, "get">): Command {
  const ID = "id" in op ? BigInt(op.id) : 0n;
  const granted = leases.get(ID)?.granted ?? 0n;
  switch (op.kind) {
    case "grant": {
      const value = create(LeaseGrantRequestSchema, { ID, TTL: BigInt(op.ttl) });
      return create(CommandSchema, { ...id, request: { case: "leaseGrant", value } });
    }
    case "revoke":
      return op.ends === "expired"
        ? create(CommandSchema, {
            ...id,
            request: { case: "leaseExpiry", value: create(LeaseExpirySchema, { id: ID, granted }) },
          })
        : create(CommandSchema, {
            ...id,
            request: { case: "leaseRevoke", value: create(LeaseRevokeRequestSchema, { ID }) },
          });
    case "checkpoint": {
      const leases = [{ id: ID, remainingMs: BigInt(op.remainingMs), granted }];
      const value = create(LeaseCheckpointsSchema, { leases });
      return create(CommandSchema, { ...id, request: { case: "leaseCheckpoints", value } });
    }
    case "with-lease": {
      const command = commandOf(op.op, id);
      command.grant = create(LeaseGrantRequestSchema, { ID, TTL: BigInt(op.ttl) });
      return command;
    }
  }
}

/** The answer in the model's terms. */
export function leaseAnswerOf(op: LeaseOp, outcome: ApplyOutcome): unknown {
  if (outcome.kind === "rejected") return outcome.error;
  if (outcome.kind === "superseded") return outcome.kind;
  switch (op.kind) {
    case "grant": {
      const { header, ID, TTL } = fromBinary(LeaseGrantResponseSchema, outcome.response);
      return { revision: revisionOf({ header }), id: Number(ID), ttl: Number(TTL) };
    }
    case "with-lease":
      return answerOf(op.op, decodeResponse(commandOf(op.op), outcome.response));
    default:
      return { revision: revisionOf(fromBinary(LeaseRevokeResponseSchema, outcome.response)) };
  }
}

const pairOf = (kv: KeyValue): Pair => ({
  key: fromUtf8(kv.key),
  create: Number(kv.createRevision),
  mod: Number(kv.modRevision),
  version: Number(kv.version),
  value: fromUtf8(kv.value),
  lease: Number(kv.lease),
});

const revisionOf = (response: { header?: { revision: bigint } | undefined }) =>
  Number(response.header?.revision ?? -1n);

export const rangeAnswer = (response: RangeResponse) => ({
  revision: revisionOf(response),
  count: Number(response.count),
  more: response.more,
  kvs: response.kvs.map(pairOf),
});

const putAnswer = (response: PutResponse) => ({
  revision: revisionOf(response),
  prev: response.prevKv === undefined ? null : pairOf(response.prevKv),
});

const deleteAnswer = (response: DeleteRangeResponse) => ({
  revision: revisionOf(response),
  deleted: Number(response.deleted),
  prevs: response.prevKvs.map(pairOf),
});

const txnAnswer = (response: TxnResponse): unknown => ({
  revision: revisionOf(response),
  succeeded: response.succeeded,
  responses: response.responses.map(opAnswer),
});

function opAnswer({ response }: ResponseOp): unknown {
  switch (response.case) {
    case "responseRange":
      return rangeAnswer(response.value);
    case "responsePut":
      return putAnswer(response.value);
    case "responseDeleteRange":
      return deleteAnswer(response.value);
    case "responseTxn":
      return txnAnswer(response.value);
    default:
      throw new Error("every operation has a response");
  }
}

/** A decoded response in the model's terms. */
export function answerOf(op: Op, response: unknown): unknown {
  if (typeof response === "string") return response;
  switch (op.kind) {
    case "range":
      return rangeAnswer(response as RangeResponse);
    case "put":
      return putAnswer(response as PutResponse);
    case "delete":
      return deleteAnswer(response as DeleteRangeResponse);
    case "txn":
      return txnAnswer(response as TxnResponse);
  }
}

// Few keys, so that operations meet; prefixes of each other, so that order matters.
/** All that commands name. */
export const KEYS = ["a", "aa", "ab", "b", "ba", "c", "d"] as const;
const key = fc.constantFrom(...KEYS);
const end = fc.constantFrom("", "", "\u0000", "b", "ab", "d", "a");
const value = fc.constantFrom("", "1", "2", "22", "3");
const smallRevision = fc.integer({ min: -1, max: 30 });

export const rangeOp: fc.Arbitrary<RangeOp> = fc.record({
  kind: fc.constant("range"),
  key,
  end,
  revision: fc.oneof({ weight: 2, arbitrary: fc.constant(0) }, smallRevision),
  limit: fc.integer({ min: 0, max: 4 }),
  sort: fc.constantFrom("none", "ascend", "descend"),
  target: fc.constantFrom("key", "version", "create", "mod", "value"),
  keysOnly: fc.boolean(),
  countOnly: fc.integer({ min: 0, max: 5 }).map((n) => n === 0),
  minMod: fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, fc.nat(20)),
  maxCreate: fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, fc.nat(20)),
});

const leaseId = fc.integer({ min: 1, max: 4 });
const ttl = fc.integer({ min: 0, max: 5 });

export const putOp: fc.Arbitrary<PutOp> = fc
  .record({
    kind: fc.constant("put"),
    key,
    value,
    prevKv: fc.boolean(),
    ignoreValue: fc.integer({ min: 0, max: 4 }).map((n) => n === 0),
    lease: fc.oneof({ weight: 2, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: leaseId }),
    ignoreLease: fc.integer({ min: 0, max: 4 }).map((n) => n === 0),
  })
  .map((op) => ({ ...op, lease: op.ignoreLease ? 0 : op.lease }));

export const deleteOp: fc.Arbitrary<DeleteOp> = fc.record({
  kind: fc.constant("delete"),
  key,
  end,
  prevKv: fc.boolean(),
});

const compareOp: fc.Arbitrary<CompareOp> = fc
  .record({
    key,
    end,
    target: fc.constantFrom("version", "create", "mod", "value", "lease"),
    result: fc.constantFrom("equal", "greater", "less", "notEqual"),
    count: fc.nat(4),
    value,
  })
  .map(({ count, value: text, ...compare }) => ({
    ...compare,
    operand: compare.target === "value" ? text : count,
  }));

function txnOpOf(depth: number): fc.Arbitrary<TxnOp> {
  const leaf: fc.Arbitrary<Op>[] = [rangeOp, putOp, deleteOp];
  const operation = fc.oneof(...leaf, ...(depth > 0 ? [txnOpOf(depth - 1)] : []));
  const branch = fc.array(operation, { maxLength: 3 });
  return fc.record({
    kind: fc.constant("txn"),
    compare: fc.array(compareOp, { maxLength: 2 }),
    success: branch,
    failure: branch,
  });
}

export const txnOp: fc.Arbitrary<TxnOp> = txnOpOf(2);

export const leaseOp: fc.Arbitrary<LeaseOp> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("grant"), id: leaseId, ttl }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant("revoke"),
      id: leaseId,
      ends: fc.constantFrom("revoked", "expired"),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant("checkpoint"), id: leaseId, remainingMs: fc.nat(9) }),
  },
  {
    weight: 2,
    arbitrary: fc
      .record({ kind: fc.constant("with-lease"), id: leaseId, ttl, op: fc.oneof(putOp, txnOp) })
      // As whoever asks for a time to live does it, and anything else as well.
      .map((one) =>
        one.op.kind === "put" ? { ...one, op: { ...one.op, lease: one.id, ignoreLease: false } } : one,
      ),
  },
);
