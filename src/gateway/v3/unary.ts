/** The way of every v3 request with one answer: headers, body, limits, then its service, then JSON. */
import { type DescMessage, type MessageShape, toBinary } from "@bufbuild/protobuf";
import type { Context } from "hono";
import { LIMITS } from "../../base/limits.ts";
import { GRPC_CODE } from "../../wire/errors.ts";
import { originHeaders } from "../answers.ts";
import { readBody } from "../body.ts";
import { freshOperationIds, idempotencyKey, keyedOperationId } from "../operation-id.ts";
import type { GatewayEnv, Services } from "../services.ts";
import type { V3Call } from "./call.ts";
import { grpcTimeoutMs } from "./grpc-timeout.ts";
import { printBody } from "./json-printer.ts";
import { readJsonRequest } from "./json-reader.ts";
import type { UnaryMethod } from "./method.ts";
import {
  aboveReceiveLimit,
  answerRefusal,
  refused,
  refusedFor,
  unreadableRequest,
  type V3Refusal,
} from "./refusal.ts";

/** Each attempt needs time to be worth beginning. */
const BUDGET_MS_MIN = 1;

/** Answers a JSON request for `method`. `name` is the path below `/v3/`. */
export async function answerUnary(
  c: Context<GatewayEnv>,
  services: Services,
  name: string,
  method: UnaryMethod,
): Promise<Response> {
  const call = await readCall(c, services, name, method.request);
  if (call.kind === "refused") return answerRefusal(c, call);
  const outcome = await method.serve(call.call);
  if (outcome.kind === "refused") return answerRefusal(c, outcome);
  return c.body(printBody(method.answer, outcome.message), 200, {
    "Content-Type": "application/json",
    "Grpc-Metadata-Content-Type": "application/grpc",
    ...originHeaders(outcome.origin),
  });
}

type ReadCall<Request> = { readonly kind: "call"; readonly call: V3Call<Request> } | V3Refusal;

/** Refusals in etcd's order: its deadline's form, unreadable, too late, too large to be received. */
async function readCall<Request extends DescMessage>(
  c: Context<GatewayEnv>,
  services: Services,
  name: string,
  schema: Request,
): Promise<ReadCall<MessageShape<Request>>> {
  const { headers } = c.req.raw;
  const timeoutMs = grpcTimeoutMs(headers);
  if (!timeoutMs.ok) return refused(GRPC_CODE.invalidArgument, timeoutMs.error);
  const key = idempotencyKey(headers);
  if (!key.ok) return refused(GRPC_CODE.invalidArgument, key.error.message);
  const body = await readBody(c.req.raw, LIMITS.jsonBodyBytesMax);
  if (body === null)
    return aboveReceiveLimit(Number(headers.get("Content-Length") ?? LIMITS.jsonBodyBytesMax));
  const request = readJsonRequest(schema, body);
  if (!request.ok) return unreadableRequest(request.error);
  const hasDeadline = timeoutMs.value !== null;
  if (timeoutMs.value !== null && timeoutMs.value < BUDGET_MS_MIN) return refusedFor("deadlineExceeded");
  // JSON is always longer than what it stands for.
  const sizeBytes = body.length > LIMITS.receiveBytesMax ? toBinary(schema, request.value).length : 0;
  if (sizeBytes > LIMITS.receiveBytesMax) return aboveReceiveLimit(sizeBytes);
  const cluster = c.get("cluster");
  const keyed = key.value === null ? null : await keyedOperationId([cluster, "v3", name], key.value);
  const budget =
    timeoutMs.value === null ? {} : { budgetMs: Math.min(timeoutMs.value, services.router.budgetMs) };
  return {
    kind: "call",
    call: {
      request: request.value,
      services,
      choice: { cluster, pin: c.get("pin"), ...budget },
      hasDeadline,
      operationId: keyed === null ? freshOperationIds(services.entropy) : () => keyed,
    },
  };
}
