/** Renewals as a stream: one answer for each request, in their order, until the requests end. */
import { toJsonString } from "@bufbuild/protobuf";
import type { Context } from "hono";
import type { ReplicaHeader } from "../../engine/replica-api.ts";
import { GRPC_CODE } from "../../wire/errors.ts";
import {
  type LeaseKeepAliveRequest,
  LeaseKeepAliveRequestSchema,
  type LeaseKeepAliveResponse,
  LeaseKeepAliveResponseSchema,
} from "../../wire/gen/etcd/rpc_pb.ts";
import { utf8 } from "../../wire/text.ts";
import { originHeaders } from "../answers.ts";
import type { GatewayEnv, Services } from "../services.ts";
import { Outlet } from "../watch/outlet.ts";
import type { V3Call, V3Outcome } from "./call.ts";
import { grpcTimeoutMs } from "./grpc-timeout.ts";
import { MessageRequests } from "./message-requests.ts";
import { messagesOf, type StreamMethod } from "./method.ts";
import { openCall } from "./open-call.ts";
import { answerRefusal, answerStreamRefusal, refused, streamError, type V3Refusal } from "./refusal.ts";
import { RequestStream } from "./request-stream.ts";

type KeepAlive = (call: V3Call<LeaseKeepAliveRequest>) => Promise<V3Outcome<LeaseKeepAliveResponse>>;
type Outcome = V3Outcome<LeaseKeepAliveResponse>;

export function keepAliveStream(keepAlive: KeepAlive): StreamMethod {
  return {
    kind: "stream",
    handle: (c, services, name) => handle(c, services, name, keepAlive),
    answers: (call) => {
      const { c, services, name, requests, timeoutMs } = call;
      return renewals(
        new MessageRequests(messagesOf(LeaseKeepAliveRequestSchema, requests)),
        renewal(c, services, name, timeoutMs, keepAlive),
      );
    },
  };
}

/** One renewal; each has the time that the client leaves. */
function renewal(
  c: Context<GatewayEnv>,
  services: Services,
  name: string,
  timeoutMs: number | null,
  keepAlive: KeepAlive,
): (request: LeaseKeepAliveRequest) => Promise<Outcome> {
  return async (request) => {
    const call = await openCall(c, services, name, request, timeoutMs);
    return call.ok ? keepAlive(call.value) : call.error;
  };
}

async function handle(
  c: Context<GatewayEnv>,
  services: Services,
  name: string,
  keepAlive: KeepAlive,
): Promise<Response> {
  const timeoutMs = grpcTimeoutMs(c.req.raw.headers);
  if (!timeoutMs.ok) return answerRefusal(c, refused(GRPC_CODE.invalidArgument, timeoutMs.error));
  const renew = renewal(c, services, name, timeoutMs.value, keepAlive);
  const outcomes = renewals(new RequestStream(LeaseKeepAliveRequestSchema, c.req.raw.body), renew);
  // etcd's status line waits for the first message; a refusal must come before it.
  const first = await outcomes.next();
  if (first.done === true) return c.body(null, 200, headersOf(null));
  if (first.value.kind === "refused") {
    // What cannot be read is refused before there is a stream.
    return first.value.origin === null ? answerRefusal(c, first.value) : answerStreamRefusal(c, first.value);
  }
  let isOpen = true;
  const outlet = new Outlet(() => {
    isOpen = false;
  });
  const send = async (): Promise<void> => {
    for (let next: IteratorResult<Outcome, void> = first; next.done !== true && isOpen; ) {
      await outlet.send(utf8(printOutcome(next.value)));
      next = await outcomes.next();
    }
  };
  send()
    .catch((error: unknown) => {
      console.error(error);
      const message = "an unexpected error; the log of the Worker has it";
      return outlet.send(utf8(printOutcome(refused(GRPC_CODE.internal, message))));
    })
    .finally(() => outlet.close());
  return c.body(outlet.body, 200, headersOf(first.value.origin));
}

/** Ends behind the last request, behind a refusal, and before what cannot be read: etcd then says nothing more. */
async function* renewals(
  requests: Pick<RequestStream<typeof LeaseKeepAliveRequestSchema>, "next">,
  renew: (request: LeaseKeepAliveRequest) => Promise<Outcome>,
): AsyncGenerator<Outcome, void> {
  for (let isFirst = true; ; isFirst = false) {
    const incoming = await requests.next();
    for (const request of incoming.requests) {
      const outcome = await renew(request);
      yield outcome;
      if (outcome.kind === "refused") return;
    }
    if (incoming.refusal !== null && isFirst && incoming.requests.length === 0) yield incoming.refusal;
    if (incoming.refusal !== null || incoming.isEnd) return;
  }
}

function headersOf(origin: ReplicaHeader | null): Record<string, string> {
  return {
    "Content-Type": "application/json",
    "Grpc-Metadata-Content-Type": "application/grpc",
    // Nothing on the way may wait for more before it lets this pass.
    "Cache-Control": "no-store",
    ...originHeaders(origin),
  };
}

function printOutcome(outcome: Outcome | V3Refusal): string {
  if (outcome.kind === "refused") return `${streamError(outcome)}\n`;
  const json = toJsonString(LeaseKeepAliveResponseSchema, outcome.message, { useProtoFieldName: true });
  return `{"result":${json}}\n`;
}
