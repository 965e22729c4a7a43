/** The way of every write of the plain dialect: limits, operation id, router, decoded answer. */
import { fromBinary } from "@bufbuild/protobuf";
import type { Context } from "hono";
import { LIMITS } from "../base/limits.ts";
import { err, ok, type Result } from "../base/result.ts";
import type { ReplicaHeader } from "../engine/replica-api.ts";
import { isTooLarge } from "../mvcc/validate.ts";
import {
  DeleteRangeResponseSchema,
  type LeaseGrantRequest,
  PutResponseSchema,
  type TxnResponse,
  TxnResponseSchema,
} from "../wire/gen/etcd/rpc_pb.ts";
import { failureProblem, originHeaders, rejectedProblem } from "./answers.ts";
import { type CommandRequest, completeCommand, encodeBody } from "./commands.ts";
import { freshOperationIds, idempotencyKey, keyedOperationId } from "./operation-id.ts";
import { type Problem, problem } from "./problem.ts";
import type { GatewayEnv, Services } from "./services.ts";

/** A write that was decided. `revision` is its own when it changed anything. */
export interface Written {
  readonly header: ReplicaHeader;
  readonly revision: number;
  /** False when its conditions did not hold. */
  readonly succeeded: boolean;
  /** Keys deleted; 0 for a put. */
  readonly deleted: number;
  /** After failed conditions: the key's mod_revision, 0 when it is missing. */
  readonly presentRevision: number;
}

function decodeTxn(txn: TxnResponse): Pick<Written, "succeeded" | "deleted" | "presentRevision"> {
  const response = txn.responses[0]?.response;
  return {
    succeeded: txn.succeeded,
    deleted: response?.case === "responseDeleteRange" ? Number(response.value.deleted) : 0,
    presentRevision:
      response?.case === "responseRange" ? Number(response.value.kvs[0]?.modRevision ?? 0n) : 0,
  };
}

function decodeAnswer(kind: CommandRequest["case"], answer: Uint8Array, header: ReplicaHeader): Written {
  switch (kind) {
    case "put": {
      const put = fromBinary(PutResponseSchema, answer);
      const revision = Number(put.header?.revision ?? header.revision);
      return { header, revision, succeeded: true, deleted: 0, presentRevision: 0 };
    }
    case "deleteRange": {
      const deletion = fromBinary(DeleteRangeResponseSchema, answer);
      const revision = Number(deletion.header?.revision ?? header.revision);
      return { header, revision, succeeded: true, deleted: Number(deletion.deleted), presentRevision: 0 };
    }
    default: {
      const txn = fromBinary(TxnResponseSchema, answer);
      return { header, revision: Number(txn.header?.revision ?? header.revision), ...decodeTxn(txn) };
    }
  }
}

/** Sends `request` to the cluster, with a lease where it needs one, and waits until it is decided. */
export async function write(
  c: Context<GatewayEnv>,
  services: Services,
  request: CommandRequest,
  grant: LeaseGrantRequest | null = null,
): Promise<Result<Written, Problem>> {
  const key = idempotencyKey(c.req.raw.headers);
  if (!key.ok) return key;
  const body = encodeBody(request, grant);
  if (isTooLarge(body.command, body.bytes.length)) return err(tooLarge(body.bytes.length));
  const cluster = c.get("cluster");
  const { pathname, search } = new URL(c.req.url);
  const keyed =
    key.value === null
      ? null
      : await keyedOperationId([cluster, c.req.method, pathname + search, request.case], key.value);
  const operationId = keyed === null ? freshOperationIds(services.entropy) : () => keyed;
  const outcome = await services.router.propose(
    { cluster, pin: c.get("pin"), token: c.get("token") },
    { operationId, encode: (id, seen) => completeCommand(body, id, seen), mayRepeat: keyed !== null },
  );
  switch (outcome.kind) {
    case "applied":
      if (!outcome.complete && request.case !== "put") return err(answerLost(outcome.header));
      return ok(decodeAnswer(request.case, outcome.response, outcome.header));
    case "rejected":
      return err(rejectedProblem(outcome));
    case "failed":
      return err(failureProblem(outcome, { kind: "write", keyed: keyed !== null }, services));
  }
}

/** A request above the limit. */
export function tooLarge(sizeBytes: number | null): Problem {
  const size = sizeBytes === null ? "" : ` of ${sizeBytes} bytes`;
  return problem(
    413,
    "request_too_large",
    `request is too large: this write${size} is above the limit of ${LIMITS.requestBytesMax} bytes for key, value and their frame`,
  );
}

function answerLost(header: ReplicaHeader): Problem {
  return problem(
    500,
    "answer_lost",
    `the write was decided at revision ${header.revision}, but its answer was too long to be kept for a retry: read the key`,
    { headers: originHeaders(header) },
  );
}
