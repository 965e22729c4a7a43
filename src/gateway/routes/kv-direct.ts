/**
 * Plain gets and puts of the default cluster, which are most requests, answered before Hono looks for
 * a route and runs all the middleware that they have no use for. Whatever says anything special, in
 * its path, its query or its headers, goes the common way; so does every user who signed in. The
 * answers are the same to the last header.
 */
import { LIMITS } from "../../base/limits.ts";
import { encodePlainRequest, readPlainAnswer } from "../../wire/plain-range.ts";
import { encodePutCommand } from "../../wire/put-command.ts";
import { failureProblem, originHeaders, rejectedProblem } from "../answers.ts";
import type { RouteChoice } from "../leader-router.ts";
import { tokenGate } from "../middleware/auth.ts";
import { DEFAULT_CLUSTER } from "../middleware/select-replicas.ts";
import { freshOperationIds } from "../operation-id.ts";
import { entityTag } from "../preconditions.ts";
import { problemResponse, UNEXPECTED } from "../problem.ts";
import type { Services } from "../services.ts";
import { keyMissing, valueHeaders } from "./kv-read.ts";

/** Longer values cost so much more than the way there that the common way will do. */
const VALUE_BYTES_MAX = 256 * 1024;

const FOLDER = "/kv/";
/** A key that stands in the path as it is, and no query. */
const PLAIN_KEY = /^[A-Za-z0-9_~/-][A-Za-z0-9._~/-]*$/;
const SERIALIZABLE = "?consistency=serializable";

/** Headers that ask for something special, of either method. */
const SPECIAL_HEADERS = [
  "origin",
  "grpc-metadata-token",
  "grpc-metadata-authorization",
  "x-edged-replica",
  "if-match",
  "if-none-match",
] as const;

const CHOICE: RouteChoice = { cluster: DEFAULT_CLUSTER, pin: null, token: null };

const encoder = new TextEncoder();

/** Answers a request, or lets `common` do it. */
export type Direct = (request: Request, common: () => Answer) => Answer;
type Answer = Response | Promise<Response>;

/** `log` is told of unexpected errors. */
export function directKv(services: Services, log: (message: string, error: unknown) => void): Direct {
  const { access } = services.config;
  const gate = access.kind === "token" ? tokenGate(access.token) : null;
  const serve = async (request: Request, target: string): Promise<Response> => {
    try {
      return await (request.method === "PUT" ? put(request, services, target) : get(services, target));
    } catch (error) {
      log(`${request.method} ${FOLDER}${target} failed`, error);
      return problemResponse(UNEXPECTED);
    }
  };
  return (request, common) => {
    const target = plainTarget(request);
    if (target === null || access.kind === "closed") return common();
    const authorization = request.headers.get("authorization");
    if ((gate === null) !== (authorization === null)) return common();
    if (gate === null) return serve(request, target);
    return gate(authorization ?? "").then((isKnown) => (isKnown ? serve(request, target) : common()));
  };
}

/** The key that `request` plainly reads or writes, with what may follow it; null if it is anything else. */
function plainTarget({ method, url, headers }: Request): string | null {
  const isPut = method === "PUT";
  const target = isPut || method === "GET" ? targetOf(url) : null;
  if (target === null || SPECIAL_HEADERS.some((name) => headers.has(name))) return null;
  if (isPut ? !isPlainPut(headers, target) : asksForEvents(headers)) return null;
  return target;
}

function asksForEvents(headers: Headers): boolean {
  return headers.get("accept")?.toLowerCase().includes("event-stream") === true;
}

function isPlainPut(headers: Headers, target: string): boolean {
  if (target.endsWith(SERIALIZABLE) || headers.has("idempotency-key")) return false;
  const announced = headers.has("transfer-encoding") ? null : headers.get("content-length");
  return announced !== null && Number(announced) <= VALUE_BYTES_MAX;
}

/** What follows `/kv/`: a plain key, and for a get perhaps the one query that is allowed here. */
function targetOf(url: string): string | null {
  const path = url.indexOf("/", url.indexOf("//") + 2);
  if (path < 0 || !url.startsWith(FOLDER, path)) return null;
  const target = url.slice(path + FOLDER.length);
  const key = target.endsWith(SERIALIZABLE) ? target.slice(0, -SERIALIZABLE.length) : target;
  // A path with dots may be about to mean another one.
  if (key.length > LIMITS.keyBytesMax || !PLAIN_KEY.test(key) || key.includes("/.")) return null;
  return target;
}

async function put(request: Request, services: Services, key: string): Promise<Response> {
  const value = new Uint8Array(await request.arrayBuffer());
  const keyBytes = encoder.encode(key);
  const outcome = await services.router.propose(CHOICE, {
    operationId: freshOperationIds(services.entropy),
    encode: (id, seen) => encodePutCommand(id, seen, keyBytes, value),
  });
  switch (outcome.kind) {
    case "applied": {
      const { revision } = outcome.header;
      const headers = {
        "Content-Type": "application/json",
        ETag: entityTag(revision),
        ...originHeaders(outcome.header),
      };
      return new Response(JSON.stringify({ key, revision }), { headers });
    }
    case "rejected":
      return problemResponse(rejectedProblem(outcome));
    case "failed":
      return problemResponse(failureProblem(outcome, { kind: "write", keyed: false }, services));
  }
}

async function get(services: Services, target: string): Promise<Response> {
  const isSerializable = target.endsWith(SERIALIZABLE);
  const consistency = isSerializable ? "serializable" : "linearizable";
  const key = encoder.encode(isSerializable ? target.slice(0, -SERIALIZABLE.length) : target);
  const request = encodePlainRequest(key);
  const outcome = await services.router.range(CHOICE, { request, consistency, minRevision: 0 });
  switch (outcome.kind) {
    case "range": {
      const found = readPlainAnswer(outcome.response);
      if (found === null) return problemResponse(keyMissing(key, outcome.header));
      // The runtime tells the length of a body that is all there.
      const headers = { ...originHeaders(outcome.header), ...valueHeaders(found) };
      return new Response(found.value, { headers });
    }
    case "rejected":
      return problemResponse(rejectedProblem(outcome));
    case "failed": {
      const purpose = { kind: "read", consistency, minRevision: 0 } as const;
      return problemResponse(failureProblem(outcome, purpose, services));
    }
  }
}
