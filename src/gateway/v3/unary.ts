/** The way of every v3 request with one answer: headers, body, limits, then its service, then JSON. */
import { type DescMessage, type Message, type MessageShape, toBinary } from "@bufbuild/protobuf";
import type { Context } from "hono";
import { LIMITS } from "../../base/limits.ts";
import { err, type Result } from "../../base/result.ts";
import { GRPC_CODE } from "../../wire/errors.ts";
import { originHeaders } from "../answers.ts";
import { readBody } from "../body.ts";
import type { GatewayEnv, Services } from "../services.ts";
import type { V3Call, V3Outcome } from "./call.ts";
import { grpcTimeoutMs } from "./grpc-timeout.ts";
import { printBody } from "./json-printer.ts";
import { readJsonRequest } from "./json-reader.ts";
import type { Printed, UnaryMethod } from "./method.ts";
import { openCall } from "./open-call.ts";
import { aboveReceiveLimit, answerRefusal, refused, unreadableRequest, type V3Refusal } from "./refusal.ts";
import { serveWaiting } from "./waiting-answer.ts";

/** Answers a JSON request for `method`. `name` is the path below `/v3/`. */
export async function answerUnary(
  c: Context<GatewayEnv>,
  services: Services,
  name: string,
  method: UnaryMethod,
): Promise<Response> {
  const call = await readCall(c, services, name, method.request);
  if (!call.ok) return answerRefusal(c, call.error);
  const outcome = await outcomeOf(c, call.value, method);
  if (outcome instanceof Response) return outcome;
  if (outcome.kind === "refused") return answerRefusal(c, outcome);
  const body = outcome.kind === "printed" ? outcome.body : printBody(method.answer, outcome.message);
  return c.body(body, 200, {
    "Content-Type": "application/json",
    "Grpc-Metadata-Content-Type": "application/grpc",
    ...originHeaders(outcome.origin),
    ...outcome.headers,
  });
}

function outcomeOf(
  c: Context<GatewayEnv>,
  call: V3Call<Message>,
  method: UnaryMethod,
): Promise<V3Outcome<Message> | Printed | Response> {
  if (method.print !== undefined) return method.print(call);
  return method.mayWait === true ? serveWaiting(c, call, method) : method.serve(call);
}

/** Refusals in etcd's order: its deadline's form, unreadable, too late, too large to be received. */
async function readCall<Request extends DescMessage>(
  c: Context<GatewayEnv>,
  services: Services,
  name: string,
  schema: Request,
): Promise<Result<V3Call<MessageShape<Request>>, V3Refusal>> {
  const { headers } = c.req.raw;
  const timeoutMs = grpcTimeoutMs(headers);
  if (!timeoutMs.ok) return err(refused(GRPC_CODE.invalidArgument, timeoutMs.error));
  const body = await readBody(c.req.raw, LIMITS.jsonBodyBytesMax);
  if (body === null)
    return err(aboveReceiveLimit(Number(headers.get("Content-Length") ?? LIMITS.jsonBodyBytesMax)));
  const request = readJsonRequest(schema, body);
  if (!request.ok) return err(unreadableRequest(request.error));
  const call = await openCall(c, services, name, request.value, timeoutMs.value);
  // JSON is always longer than what it stands for.
  const sizeBytes =
    call.ok && body.length > LIMITS.receiveBytesMax ? toBinary(schema, request.value).length : 0;
  return sizeBytes > LIMITS.receiveBytesMax ? err(aboveReceiveLimit(sizeBytes)) : call;
}
