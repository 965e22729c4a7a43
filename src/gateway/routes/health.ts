/** `/health`, `/readyz` and `/version`, as etcd answers them. Unknown parameters are ignored, as there. */
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { Hono } from "hono";
import { QuerySchema } from "../../wire/gen/edged_pb.ts";
import {
  AlarmRequestSchema,
  AlarmResponseSchema,
  AlarmType,
  RangeRequestSchema,
} from "../../wire/gen/etcd/rpc_pb.ts";
import { utf8 } from "../../wire/text.ts";
import { originHeaders } from "../answers.ts";
import { ETCD_TEXT } from "../etcd-paths.ts";
import type { QueryOutcome, ReadOutcome } from "../leader-router.ts";
import type { GatewayEnv, Services } from "../services.ts";
import { ETCD_VERSION } from "../version.ts";
import { onlyMethods } from "./methods.ts";

/** Probes want an answer sooner than clients do. */
const HEALTH_BUDGET_MS = 5_000;

/** Paths that etcd has too, and only for GET. */
const ETCDS_OWN = ["/health", "/version"] as const;
const TEXT = { "Content-Type": "text/plain; charset=utf-8" } as const;

const PROBE = toBinary(
  RangeRequestSchema,
  create(RangeRequestSchema, { key: utf8("health"), countOnly: true }),
);

/** Whether the cluster serves: one read, as etcd's own health check does. */
function probe(
  services: Services,
  choice: { readonly cluster: string; readonly pin: string | null },
  consistency: "linearizable" | "serializable",
): Promise<ReadOutcome> {
  return services.router.range(
    { ...choice, budgetMs: HEALTH_BUDGET_MS },
    { request: PROBE, consistency, minRevision: 0 },
  );
}

const ALARMS = toBinary(
  QuerySchema,
  create(QuerySchema, { request: { case: "alarmList", value: create(AlarmRequestSchema) } }),
);

/** The same by asking for the alarms: whoever can tell them can serve. */
function probeAlarms(
  services: Services,
  choice: { readonly cluster: string; readonly pin: string | null },
  consistency: "linearizable" | "serializable",
): Promise<QueryOutcome> {
  return services.router.query(
    { ...choice, budgetMs: HEALTH_BUDGET_MS },
    { request: ALARMS, consistency, minRevision: 0 },
  );
}

/** Served, and no alarm but those that the caller knows and accepts, by etcd's names. */
function isHealthy(outcome: QueryOutcome, excluded: readonly string[]): boolean {
  if (outcome.kind !== "answer") return false;
  const names: Readonly<Record<number, string>> = {
    [AlarmType.NOSPACE]: "NOSPACE",
    [AlarmType.CORRUPT]: "CORRUPT",
  };
  const { alarms } = fromBinary(AlarmResponseSchema, outcome.response);
  return alarms.every(({ alarm }) => excluded.includes(names[alarm] ?? ""));
}

function checkLine(name: string, outcome: ReadOutcome): string {
  return outcome.kind === "failed" ? `[-]${name} failed: ${outcome.message}\n` : `[+]${name} ok\n`;
}

export function healthRoutes(services: Services): Hono<GatewayEnv> {
  const app = new Hono<GatewayEnv>();
  // The router would answer HEAD as GET; etcd refuses it.
  for (const path of ETCDS_OWN) {
    app.use(path, async (c, next) => {
      if (c.req.method !== "HEAD") return next();
      return c.body(null, 405, { Allow: "GET, OPTIONS", ...ETCD_TEXT });
    });
  }
  app.get("/health", async (c) => {
    const serializable = c.req.query("serializable") === "true";
    const choice = { cluster: c.get("cluster"), pin: c.get("pin") };
    const outcome = await probeAlarms(services, choice, serializable ? "serializable" : "linearizable");
    // The type is etcd's: a JSON body that calls itself text.
    const headers = { ...TEXT, ...originHeaders(outcome.header) };
    if (!isHealthy(outcome, c.req.queries("exclude") ?? []))
      return c.body('{"health":"false"}', 503, headers);
    return c.body('{"health":"true"}', 200, headers);
  });
  app.get("/readyz", async (c) => {
    const choice = { cluster: c.get("cluster"), pin: c.get("pin") };
    const [serializable, linearizable] = await Promise.all([
      probe(services, choice, "serializable"),
      probe(services, choice, "linearizable"),
    ]);
    const lines = checkLine("serializable_read", serializable) + checkLine("linearizable_read", linearizable);
    const headers = { ...TEXT, ...originHeaders(linearizable.header), "X-Content-Type-Options": "nosniff" };
    if (serializable.kind === "failed" || linearizable.kind === "failed") return c.text(lines, 503, headers);
    return c.text(c.req.query("verbose") === undefined ? "ok" : `${lines}ok\n`, 200, headers);
  });
  // etcd's two fields and nothing else; edged's own version is in /status.
  app.get("/version", (c) => c.json({ etcdserver: ETCD_VERSION, etcdcluster: ETCD_VERSION }));
  onlyMethods(app, "/readyz", ["GET", "HEAD"]);
  for (const path of ETCDS_OWN) onlyMethods(app, path, ["GET"]);
  return app;
}

/** `/livez`: the gateway itself answers. No replica is asked, so it is well even without them. */
export function livenessRoutes(): Hono<GatewayEnv> {
  const app = new Hono<GatewayEnv>();
  app.get("/livez", (c) =>
    c.text(c.req.query("verbose") === undefined ? "ok" : "[+]gateway ok\nok\n", 200, TEXT),
  );
  onlyMethods(app, "/livez", ["GET", "HEAD"]);
  return app;
}
