/** Errors of the v3 API, as etcd's JSON gateway words them. */
import type { Context } from "hono";
import { assertNever } from "../../base/assert.ts";
import { LIMITS } from "../../base/limits.ts";
import type { Rejected, ReplicaHeader } from "../../engine/replica-api.ts";
import {
  ERRORS,
  type ErrorKey,
  GRPC_CODE,
  type GrpcCode,
  HTTP_STATUS,
  isErrorKey,
} from "../../wire/errors.ts";
import { originHeaders } from "../answers.ts";
import type { RouteFailure } from "../leader-router.ts";
import type { GatewayEnv } from "../services.ts";
import { printGoJson } from "./go-json.ts";
import type { JsonRefusal } from "./json-refusal.ts";

const RETRY_AFTER_SECONDS = "1";

/** A request that is answered with an error. */
export interface V3Refusal {
  readonly kind: "refused";
  readonly code: GrpcCode;
  /** etcd's exact text. */
  readonly message: string;
  /** Where the replica that refused stands; null when none was asked. */
  readonly origin: ReplicaHeader | null;
  /** Trying again may help. */
  readonly isTransient: boolean;
}

/** A refusal in words that are in no table. */
export function refused(code: GrpcCode, message: string): V3Refusal {
  return { kind: "refused", code, message, origin: null, isTransient: false };
}

/** A refusal of the error table. */
export function refusedFor(error: ErrorKey, origin: ReplicaHeader | null = null): V3Refusal {
  const { code, message } = ERRORS[error];
  return { kind: "refused", code, message, origin, isTransient: false };
}

/** A body that is no request. */
export function unreadableRequest(refusal: JsonRefusal): V3Refusal {
  switch (refusal.kind) {
    case "unreadable":
      return refused(GRPC_CODE.invalidArgument, refusal.message);
    case "beyond-limit":
      return refusedFor(refusal.error);
    default:
      return assertNever(refusal, "refusal");
  }
}

/** A request above gRPC's own limit; `sizeBytes` is what it would have been on the wire. */
export function aboveReceiveLimit(sizeBytes: number): V3Refusal {
  return refused(
    GRPC_CODE.resourceExhausted,
    `grpc: received message larger than max (${sizeBytes} vs. ${LIMITS.receiveBytesMax})`,
  );
}

/** A refusal by the state machine. */
export function rejectedRequest({ error, header }: Rejected): V3Refusal {
  if (isErrorKey(error)) return refusedFor(error, header);
  return {
    ...refused(GRPC_CODE.internal, `the replica refused for an unknown reason: ${error}`),
    origin: header,
  };
}

const AUTH_TEXTS: ReadonlySet<string> = new Set(
  (["userEmpty", "permissionDenied", "invalidAuthToken"] as const).map((error) => ERRORS[error].message),
);

/** Some of etcd's maintenance words refusals of users as its own store of users does, with no code. */
export function inAuthWords(refusal: V3Refusal): V3Refusal {
  if (!AUTH_TEXTS.has(refusal.message)) return refusal;
  return { ...refusal, code: GRPC_CODE.unknown, message: refusal.message.replace(/^etcdserver:/, "auth:") };
}

/**
 * No answer within the budget. "request timed out" is etcd's word for "may or may not be applied";
 * the other texts promise that nothing was.
 */
export function unansweredRequest(failure: RouteFailure, hasDeadline: boolean): V3Refusal {
  return { ...refusedFor(failureError(failure, hasDeadline), failure.header), isTransient: true };
}

function failureError(failure: RouteFailure, hasDeadline: boolean): ErrorKey {
  const timeout = hasDeadline ? "deadlineExceeded" : "timeout";
  if (failure.outcome === "unknown") return timeout;
  switch (failure.reason) {
    case "overloaded":
    case "superseded":
      return "tooManyRequests";
    case "stopped":
      return "stopped";
    case "no-leader":
    case "not-leader":
      return "noLeader";
    case "timeout":
      return timeout;
    default:
      return assertNever(failure.reason, "reason");
  }
}

export function refusalBody({ code, message }: V3Refusal): string {
  return printGoJson({ error: message, message, code });
}

export function answerRefusal(c: Context<GatewayEnv>, refusal: V3Refusal): Response {
  const { code, origin, isTransient } = refusal;
  // The table holds final statuses only, and Hono wants to know that they may have a body.
  const status = HTTP_STATUS[code] as 400;
  return c.body(refusalBody(refusal), status, {
    "Content-Type": "application/json",
    ...originHeaders(origin),
    ...(isTransient ? { "Retry-After": RETRY_AFTER_SECONDS } : {}),
  });
}

/** A refusal by the service of a stream that has said nothing yet. */
export function answerStreamRefusal(c: Context<GatewayEnv>, refusal: V3Refusal): Response {
  const { headers, status } = answerRefusal(c, refusal);
  return new Response(streamError(refusal), { status, headers });
}

/** Names of HTTP statuses, as Go prints them. */
const STATUS_TEXT: Readonly<Record<number, string>> = {
  400: "Bad Request",
  401: "Unauthorized",
  403: "Forbidden",
  404: "Not Found",
  429: "Too Many Requests",
  500: "Internal Server Error",
  503: "Service Unavailable",
  504: "Gateway Timeout",
};

/** The message with which a stream ends that was well begun. */
export function streamError({ code, message }: V3Refusal): string {
  const status = HTTP_STATUS[code];
  const error = { grpc_code: code, http_code: status, message, http_status: STATUS_TEXT[status] ?? "" };
  return printGoJson({ error });
}
