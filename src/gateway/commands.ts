/** The commands that the plain dialect writes, as etcd requests. */
import { create, toBinary } from "@bufbuild/protobuf";
import { assertNever } from "../base/assert.ts";
import { concatBytes } from "../base/bytes.ts";
import { type Command, CommandSchema } from "../wire/gen/edged_pb.ts";
import {
  type Compare,
  Compare_CompareResult,
  Compare_CompareTarget,
  CompareSchema,
  DeleteRangeRequestSchema,
  type LeaseGrantRequest,
  PutRequestSchema,
  RangeRequestSchema,
  type RequestOp,
  RequestOpSchema,
  TxnRequestSchema,
} from "../wire/gen/etcd/rpc_pb.ts";
import type { Condition } from "./preconditions.ts";

/** A command's request, before it has an operation id. */
export type CommandRequest = Exclude<Command["request"], { case: undefined }>;

/** A command without its operation id, whose encoding does not depend on that. */
export interface CommandBody {
  readonly command: Command;
  readonly bytes: Uint8Array;
}

/** `grant`: a lease to be granted together with the request. */
export function encodeBody(request: CommandRequest, grant: LeaseGrantRequest | null = null): CommandBody {
  const command = create(CommandSchema, grant === null ? { request } : { request, grant });
  return { command, bytes: toBinary(CommandSchema, command) };
}

/** The encoded `edged.Command`: fields of a message may come in any order, so the body is copied as it is. */
export function completeCommand(body: CommandBody, operationId: Uint8Array, seen: number): Uint8Array {
  const stamp = create(CommandSchema, { opId: operationId, seen: BigInt(seen) });
  return concatBytes([toBinary(CommandSchema, stamp), body.bytes]);
}

function compare(key: Uint8Array, condition: Condition): Compare {
  const { EQUAL, GREATER, NOT_EQUAL } = Compare_CompareResult;
  const { CREATE, MOD } = Compare_CompareTarget;
  const createRevision = { case: "createRevision", value: 0n } as const;
  switch (condition.kind) {
    case "exists":
      return create(CompareSchema, { key, target: CREATE, result: GREATER, targetUnion: createRevision });
    case "missing":
      return create(CompareSchema, { key, target: CREATE, result: EQUAL, targetUnion: createRevision });
    case "revision-is":
    case "revision-is-not": {
      const result = condition.kind === "revision-is" ? EQUAL : NOT_EQUAL;
      const modRevision = { case: "modRevision", value: BigInt(condition.revision) } as const;
      return create(CompareSchema, { key, target: MOD, result, targetUnion: modRevision });
    }
    default:
      return assertNever(condition, "condition");
  }
}

/** `operation` if all conditions hold; else the answer tells the key's present version, without value. */
function conditional(
  key: Uint8Array,
  conditions: readonly Condition[],
  operation: RequestOp,
): CommandRequest {
  const present = create(RangeRequestSchema, { key, keysOnly: true });
  return {
    case: "txn",
    value: create(TxnRequestSchema, {
      compare: conditions.map((condition) => compare(key, condition)),
      success: [operation],
      failure: [create(RequestOpSchema, { request: { case: "requestRange", value: present } })],
    }),
  };
}

/** `lease`: 0 for none. */
export function putCommand(
  key: Uint8Array,
  value: Uint8Array,
  conditions: readonly Condition[],
  lease = 0n,
): CommandRequest {
  const put = create(PutRequestSchema, { key, value, lease });
  if (conditions.length === 0) return { case: "put", value: put };
  const operation = create(RequestOpSchema, { request: { case: "requestPut", value: put } });
  return conditional(key, conditions, operation);
}

export function deleteCommand(key: Uint8Array, conditions: readonly Condition[]): CommandRequest {
  const deletion = create(DeleteRangeRequestSchema, { key });
  if (conditions.length === 0) return { case: "deleteRange", value: deletion };
  const operation = create(RequestOpSchema, { request: { case: "requestDeleteRange", value: deletion } });
  return conditional(key, conditions, operation);
}

/** Deletes the half-open interval from `key` to `rangeEnd`. */
export function deleteRangeCommand(key: Uint8Array, rangeEnd: Uint8Array): CommandRequest {
  return { case: "deleteRange", value: create(DeleteRangeRequestSchema, { key, rangeEnd }) };
}
