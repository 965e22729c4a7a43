/** `GET /kv/{key}` and `GET /kv/?prefix=` with `Accept: text/event-stream`: changes as they happen. */
import type { Context } from "hono";
import { createMiddleware } from "hono/factory";
import { err, ok, type Result } from "../../base/result.ts";
import { failureProblem, originHeaders, prefixInterval, rejectedProblem } from "../answers.ts";
import { keyOfPath } from "../key-path.ts";
import { answerProblem, type Problem, problem } from "../problem.ts";
import { countParameter, flagParameter, parseQuery, type Query } from "../query.ts";
import type { GatewayEnv, Services } from "../services.ts";
import { EventStream } from "../watch/event-stream.ts";
import { WatchSource } from "../watch/watch-source.ts";

const ANY_REVISION = { fallback: 0, min: 0, max: Number.MAX_SAFE_INTEGER - 1 };
const HEADERS = {
  "Content-Type": "text/event-stream; charset=utf-8",
  "Cache-Control": "no-store, no-transform",
  "Content-Encoding": "identity",
  // Proxies that gather answers before they pass them on know this header.
  "X-Accel-Buffering": "no",
} as const;

interface EventsRequest {
  readonly key: Uint8Array;
  readonly rangeEnd: Uint8Array;
  /** The first revision wanted; 0 from now on. */
  readonly fromRevision: number;
  readonly prevKv: boolean;
}

/** Lets requests for events branch off before the plain read. */
export function eventsInstead(services: Services): ReturnType<typeof createMiddleware<GatewayEnv>> {
  return createMiddleware<GatewayEnv>(async (c, next) => {
    if (!(c.req.header("Accept") ?? "").toLowerCase().includes("text/event-stream")) return next();
    return watchKeys(c, services);
  });
}

async function watchKeys(c: Context<GatewayEnv>, services: Services): Promise<Response> {
  const parsed = parseEvents(c.req.raw);
  if (!parsed.ok) return answerProblem(c, parsed.error);
  const { key, rangeEnd, fromRevision, prevKv } = parsed.value;
  const choice = { cluster: c.get("cluster"), pin: c.get("pin"), token: c.get("token") };
  const source = new WatchSource(services.router, choice, services.entropy);
  const now = await source.now();
  if (now.kind === "failed") {
    const purpose = { kind: "read", consistency: "serializable", minRevision: 0 } as const;
    return answerProblem(c, failureProblem(now, purpose, services));
  }
  const error = await source.refusalOf({ key, rangeEnd });
  if (error !== null) {
    return answerProblem(c, rejectedProblem({ kind: "rejected", error, header: now.header }));
  }
  const headers = { ...originHeaders(now.header), ...HEADERS };
  if (c.req.method === "HEAD") return c.body(null, 200, headers);
  const from = fromRevision > 0 ? fromRevision : now.header.revision + 1;
  const range = { key, rangeEnd, noPut: false, noDelete: false, prevKv };
  const stream = new EventStream(services, source, range, from);
  stream.serve(from <= now.header.revision).catch((error: unknown) => {
    console.error(error);
    stream.close();
  });
  return c.body(stream.body, 200, headers);
}

function parseEvents(request: Request): Result<EventsRequest, Problem> {
  const query = parseQuery(request, ["prefix", "revision", "prev_kv"]);
  if (!query.ok) return query;
  const interval = parseInterval(request, query.value);
  if (!interval.ok) return interval;
  const revision = countParameter(query.value, "revision", ANY_REVISION);
  if (!revision.ok) return revision;
  const prevKv = flagParameter(query.value, "prev_kv");
  if (!prevKv.ok) return prevKv;
  const resumed = resumedRevision(request.headers);
  if (!resumed.ok) return resumed;
  const fromRevision = resumed.value ?? revision.value;
  return ok({ ...interval.value, fromRevision, prevKv: prevKv.value });
}

function parseInterval(
  request: Request,
  query: Query,
): Result<Pick<EventsRequest, "key" | "rangeEnd">, Problem> {
  const prefix = query.get("prefix");
  if (prefix !== undefined) return ok(prefixInterval(prefix));
  const key = keyOfPath(request);
  return key.ok ? ok({ key: key.value, rangeEnd: new Uint8Array() }) : key;
}

/** What an `EventSource` sends when it comes again: everything up to that revision has arrived. */
function resumedRevision(headers: Headers): Result<number | null, Problem> {
  const text = headers.get("Last-Event-ID")?.trim() ?? "";
  if (text === "") return ok(null);
  if (/^\d{1,15}$/.test(text)) return ok(Number(text) + 1);
  return err(
    problem(400, "invalid_event_id", "Last-Event-ID must be the id of the last event received: a revision"),
  );
}
