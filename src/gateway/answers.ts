/** From what replicas answer to what clients see. */
import { assertNever } from "../base/assert.ts";
import { prefixEnd } from "../base/bytes.ts";
import type { RangeCall, Rejected, ReplicaHeader } from "../engine/replica-api.ts";
import { ERRORS, type ErrorKey, isErrorKey } from "../wire/errors.ts";
import type { KeyValue } from "../wire/gen/etcd/kv_pb.ts";
import { toBase64 } from "../wire/text.ts";
import type { RouteFailure } from "./leader-router.ts";
import { strictUtf8 } from "./percent.ts";
import { type Problem, problem } from "./problem.ts";
import type { Services } from "./services.ts";

const RETRY_AFTER_SECONDS = 1;

/** The headers that tell where an answer comes from. Empty when no replica answered. */
export function originHeaders(header: ReplicaHeader | null): Readonly<Record<string, string>> {
  if (header === null) return {};
  const headers: Record<string, string> = {
    "X-Edged-Revision": String(header.revision),
    "X-Edged-Term": String(header.term),
    "X-Edged-Replica": header.member,
  };
  if (header.leader !== null) headers["X-Edged-Leader"] = header.leader;
  return headers;
}

/** The key or value `bytes` as a JSON field: text when it is UTF-8, else base64 under another name. */
export function bytesField(name: string, bytes: Uint8Array): Readonly<Record<string, string>> {
  const text = strictUtf8(bytes);
  return text === null ? { [`${name}_base64`]: toBase64(bytes) } : { [name]: text };
}

/** A pair as lists and events show it. */
export function pairFields(found: KeyValue, keysOnly = false): Readonly<Record<string, unknown>> {
  return {
    ...bytesField("key", found.key),
    ...(keysOnly ? {} : bytesField("value", found.value)),
    create_revision: Number(found.createRevision),
    mod_revision: Number(found.modRevision),
    version: Number(found.version),
  };
}

/** The interval of all keys that start with `prefix`, as etcd writes it. */
export function prefixInterval(prefix: Uint8Array): {
  readonly key: Uint8Array;
  readonly rangeEnd: Uint8Array;
} {
  return { key: prefix.length === 0 ? new Uint8Array([0]) : prefix, rangeEnd: prefixEnd(prefix) };
}

export function snakeCase(key: string): string {
  return key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/** What to do about a refusal, where etcd's text does not say it. */
const ADVICE: Partial<Record<ErrorKey, string>> = {
  compacted: "read a newer revision, or leave revision out",
  futureRevision: "revision is above the store's; use min_revision to wait for it",
  noSpace: "delete keys and compact, or raise QUOTA_BYTES",
  userEmpty:
    "this cluster asks for users: sign in at /v3/auth/authenticate, send Authorization: Bearer TOKEN",
  invalidAuthToken: "sign in again at /v3/auth/authenticate",
};

/** A refusal of the error table: etcd's text, and the HTTP status etcd's gateway gives. */
function errorProblem(key: ErrorKey, headers: Readonly<Record<string, string>>): Problem {
  const { message, status } = ERRORS[key];
  const advice = ADVICE[key];
  const text = advice === undefined ? message : `${message} (${advice})`;
  // HTTP has statuses of its own for these, which etcd's gateway does not use.
  const own = key === "requestTooLarge" ? 413 : key === "userEmpty" ? 401 : httpStatus(status);
  const challenge = own === 401 ? { "WWW-Authenticate": 'Bearer realm="edged users"' } : {};
  return { status: own, code: snakeCase(key), message: text, headers: { ...headers, ...challenge } };
}

/** A refusal by the state machine. */
export function rejectedProblem({ error, header }: Rejected): Problem {
  const headers = originHeaders(header);
  if (isErrorKey(error)) return errorProblem(error, headers);
  return problem(500, "internal", `the replica refused for an unknown reason: ${error}`, { headers });
}

/** The statuses of the error table, as the answer's type wants them. */
function httpStatus(status: number): Problem["status"] {
  switch (status) {
    case 400:
    case 401:
    case 403:
    case 404:
    case 409:
    case 412:
    case 429:
    case 501:
    case 503:
    case 504:
      return status;
    default:
      return 500;
  }
}

/** What a failed request wanted. */
export type Purpose =
  | { readonly kind: "write"; readonly keyed: boolean }
  | { readonly kind: "read"; readonly consistency: RangeCall["consistency"]; readonly minRevision: number };

function quorumText(services: Services): string {
  const members = services.config.members.length;
  return `${Math.floor(members / 2) + 1} of ${members} replicas must be up and able to reach each other`;
}

function failureText(failure: RouteFailure, purpose: Purpose, services: Services): string {
  const last = `last answer: ${failure.message}`;
  if (failure.outcome === "unknown") {
    const next =
      purpose.kind === "write" && purpose.keyed
        ? "repeating it with the same Idempotency-Key is safe"
        : "read before you repeat it; with an Idempotency-Key header repeating the same write is safe";
    return `outcome unknown: the write may or may not have taken effect; ${next} (${last})`;
  }
  const revision = failure.header?.revision ?? 0;
  if (
    purpose.kind === "read" &&
    failure.reason === "timeout" &&
    revision > 0 &&
    revision < purpose.minRevision
  ) {
    return `not read: min_revision ${purpose.minRevision} was not reached in time, ${failure.header?.member} is at revision ${revision}`;
  }
  const what = purpose.kind === "write" ? "not applied" : "not read";
  switch (failure.reason) {
    case "overloaded":
      return `${what}: the cluster is overloaded, slow down (${last})`;
    case "stopped":
      return `${what}: the replica refuses to serve (${last})`;
    case "superseded":
      return `${what}: the operation was overtaken by too many others, try again (${last})`;
    case "no-leader":
    case "not-leader":
    case "timeout": {
      const stale =
        purpose.kind === "read" && purpose.consistency === "linearizable"
          ? "; consistency=serializable reads what one replica has"
          : "";
      return `${what}: no quorum answered in time, ${quorumText(services)}${stale} (${last})`;
    }
    default:
      return assertNever(failure.reason, "reason");
  }
}

/** 503 with `Retry-After`; `outcome` in the body says whether a write may have taken effect. */
export function failureProblem(failure: RouteFailure, purpose: Purpose, services: Services): Problem {
  const overloaded = failure.reason === "overloaded" && failure.outcome === "not-applied";
  return problem(503, overloaded ? "overloaded" : "unavailable", failureText(failure, purpose, services), {
    fields: purpose.kind === "write" ? { outcome: failure.outcome.replace("-", "_") } : {},
    headers: { ...originHeaders(failure.header), "Retry-After": String(RETRY_AFTER_SECONDS) },
  });
}
