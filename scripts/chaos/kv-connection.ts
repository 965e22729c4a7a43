/** One client's own keep-alive connection to one gateway, speaking the plain HTTP dialect. */
import http from "node:http";
import { assertNever } from "../../src/base/assert.ts";
import type { Action, Outcome } from "../../test/linearizability/operation.ts";

export interface KvRequest {
  readonly key: string;
  readonly action: Action;
  /** Makes repeating the same write safe; null to go without. */
  readonly idempotencyKey: string | null;
  /** Ask this member only. */
  readonly pin?: string;
  /** Read the store as it was then. */
  readonly atRevision?: number;
  /** Wait until the store has this revision. */
  readonly minRevision?: number;
}

export interface KvAnswer {
  readonly outcome: Outcome;
  /** The leader's name as the answer tells it, or null. */
  readonly leader: string | null;
}

interface RawAnswer {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: string;
}

export class KvConnection {
  readonly #url: string;
  readonly #timeoutMs: number;
  readonly #agent = new http.Agent({ keepAlive: true, maxSockets: 1 });

  constructor(url: string, timeoutMs: number) {
    this.#url = url;
    this.#timeoutMs = timeoutMs;
  }

  /** Never throws: whatever goes wrong is an outcome. */
  async perform(request: KvRequest): Promise<KvAnswer> {
    try {
      const answer = await this.#send(request);
      return { outcome: readOutcome(request, answer), leader: header(answer, "x-edged-leader") };
    } catch (error) {
      return { outcome: outcomeOfError(error), leader: null };
    }
  }

  close(): void {
    this.#agent.destroy();
  }

  #send(request: KvRequest): Promise<RawAnswer> {
    const { action } = request;
    const body = action.kind === "put" || action.kind === "cas" ? action.value : null;
    return new Promise((resolve, reject) => {
      const sent = http.request(`${this.#url}/kv/${request.key}${queryOf(request)}`, {
        agent: this.#agent,
        method: methodOf(action),
        headers: headersOf(request, body),
      });
      const timer = setTimeout(() => sent.destroy(new Error("timeout")), this.#timeoutMs);
      const fail = (error: Error): void => {
        clearTimeout(timer);
        reject(error);
      };
      sent.on("error", fail);
      sent.on("response", (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.on("error", fail);
        response.on("aborted", () => fail(new Error("answer cut off")));
        response.on("end", () => {
          clearTimeout(timer);
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            body: Buffer.concat(chunks).toString("utf8"),
          });
        });
      });
      sent.end(body ?? undefined);
    });
  }
}

function methodOf(action: Action): string {
  if (action.kind === "get") return "GET";
  return action.kind === "delete" ? "DELETE" : "PUT";
}

function queryOf({ action, atRevision, minRevision }: KvRequest): string {
  const query = new URLSearchParams();
  if (action.kind === "get" && action.consistency === "serializable") {
    query.set("consistency", "serializable");
  }
  if (atRevision !== undefined) query.set("revision", String(atRevision));
  if (minRevision !== undefined) query.set("min_revision", String(minRevision));
  return query.size === 0 ? "" : `?${query}`;
}

function headersOf(
  { action, idempotencyKey, pin }: KvRequest,
  body: string | null,
): http.OutgoingHttpHeaders {
  const headers: http.OutgoingHttpHeaders = {};
  if (body !== null) headers["Content-Length"] = Buffer.byteLength(body);
  if (idempotencyKey !== null) headers["Idempotency-Key"] = idempotencyKey;
  if (pin !== undefined) headers["X-Edged-Replica"] = pin;
  const expected = action.kind === "cas" || action.kind === "delete" ? action.expected : null;
  if (expected === 0) headers["If-None-Match"] = "*";
  else if (expected !== null) headers["If-Match"] = `"${expected}"`;
  return headers;
}

/** A refused connection has carried nothing. Every other break may have come after the request. */
function outcomeOfError(error: unknown): Outcome {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  if (code === "ECONNREFUSED") return { kind: "failed", reason: "connection refused" };
  const text = error instanceof Error ? error.message : String(error);
  return { kind: "unknown", reason: code === "" ? text : code };
}

function readOutcome(request: KvRequest, answer: RawAnswer): Outcome {
  const { action } = request;
  const told = Number(header(answer, "x-edged-revision") ?? Number.NaN);
  switch (answer.status) {
    case 200:
      return readSuccess(action, answer, request.atRevision ?? told);
    case 404: {
      const isMissing = action.kind === "get" && jsonField(answer, "code") === "key_not_found";
      return isMissing ? missingAt(request.atRevision ?? told) : unreadable(answer);
    }
    case 412: {
      const revision = Number(jsonField(answer, "revision") ?? told);
      const tag = header(answer, "etag");
      const modRevision = tag === null ? 0 : revisionOfTag(tag);
      if (!isRevision(revision) || !Number.isSafeInteger(modRevision)) return unreadable(answer);
      return { kind: "refused", modRevision, revision };
    }
    default:
      return readFailure(answer);
  }
}

function readSuccess(action: Action, answer: RawAnswer, readAt: number): Outcome {
  switch (action.kind) {
    case "get": {
      const modRevision = revisionOfTag(header(answer, "etag") ?? "");
      if (!isRevision(modRevision) || !isRevision(readAt)) return unreadable(answer);
      return { kind: "found", value: answer.body, modRevision, revision: readAt };
    }
    case "put":
    case "cas": {
      const revision = revisionOfTag(header(answer, "etag") ?? "");
      return isRevision(revision) ? { kind: "written", revision } : unreadable(answer);
    }
    case "delete": {
      const revision = Number(jsonField(answer, "revision"));
      if (!isRevision(revision)) return unreadable(answer);
      return jsonField(answer, "deleted") === 0
        ? { kind: "nothing-deleted", revision }
        : { kind: "deleted", revision };
    }
    default:
      return assertNever(action, "answer of action");
  }
}

function missingAt(revision: number): Outcome {
  return isRevision(revision)
    ? { kind: "missing", revision }
    : { kind: "unknown", reason: "answer without X-Edged-Revision" };
}

/** 4xx refuses before anything is done; of the rest only an explicit "not applied" is certain. */
function readFailure(answer: RawAnswer): Outcome {
  const code = jsonField(answer, "code") ?? "no JSON";
  const reason = `${answer.status} ${String(code)}`;
  if (answer.status >= 400 && answer.status < 500) return { kind: "failed", reason };
  const isCertain = answer.status === 503 && jsonField(answer, "outcome") === "not_applied";
  return { kind: isCertain ? "failed" : "unknown", reason };
}

function unreadable(answer: RawAnswer): Outcome {
  return { kind: "unknown", reason: `unreadable answer: ${answer.status} ${answer.body.slice(0, 80)}` };
}

function isRevision(value: number): boolean {
  return Number.isSafeInteger(value) && value > 0;
}

function revisionOfTag(tag: string): number {
  return Number(/^(?:W\/)?"(\d+)"$/.exec(tag)?.[1] ?? Number.NaN);
}

function header(answer: RawAnswer, name: string): string | null {
  const value = answer.headers[name];
  return typeof value === "string" ? value : null;
}

function jsonField(answer: RawAnswer, name: string): unknown {
  try {
    const json: unknown = JSON.parse(answer.body);
    return typeof json === "object" && json !== null ? Reflect.get(json, name) : undefined;
  } catch {
    return undefined;
  }
}
