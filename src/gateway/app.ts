/** The HTTP surface, put together. */
import { type Context, Hono } from "hono";
import type { Result } from "../base/result.ts";
import type { Config, ConfigProblem } from "../durable/config.ts";
import { GRPC_CODE } from "../wire/errors.ts";
import { ETCD_TEXT, isEtcdPath } from "./etcd-paths.ts";
import { rawPath } from "./key-path.ts";
import { LeaderRouter } from "./leader-router.ts";
import { authenticate } from "./middleware/auth.ts";
import { cors, corsHeaders } from "./middleware/cors.ts";
import { hearOut } from "./middleware/hear-out.ts";
import { DEFAULT_CLUSTER, selectCluster, selectReplica } from "./middleware/select-replicas.ts";
import { readToken } from "./middleware/token.ts";
import { Passwords } from "./passwords.ts";
import type { Clock, Entropy, ReplicaDirectory } from "./ports.ts";
import { answerProblem, problem, UNEXPECTED } from "./problem.ts";
import { connectRoutes } from "./routes/connect.ts";
import { hashKvRoutes } from "./routes/hash-kv.ts";
import { healthRoutes, livenessRoutes } from "./routes/health.ts";
import { kvRoutes } from "./routes/kv.ts";
import { directKv } from "./routes/kv-direct.ts";
import { metricsRoutes } from "./routes/metrics.ts";
import { restoreRoutes } from "./routes/restore.ts";
import { sessionRoutes } from "./routes/session.ts";
import { statusRoutes } from "./routes/status.ts";
import { v3Routes } from "./routes/v3.ts";
import type { GatewayEnv, Services } from "./services.ts";
import type { CallWays } from "./session/gathering.ts";
import { answerRefusal, refused } from "./v3/refusal.ts";

/** Time for one request with all its attempts. */
const REQUEST_BUDGET_MS = 10_000;
/** Elections shorter than this are no reason for shorter attempts. */
const ATTEMPT_MS_MIN = 1_000;

export interface GatewayDeps {
  /** As `parseConfig` returned it; with problems nothing but `/livez` works and no replica is touched. */
  readonly config: Result<Config, readonly ConfigProblem[]>;
  readonly replicas: (config: Config, ways?: CallWays) => ReplicaDirectory;
  readonly clock: Clock;
  readonly entropy: Entropy;
  /** Where unexpected errors go, with their stacks; clients never see those. */
  readonly log: (message: string, error: unknown) => void;
}

function notFound(c: Context<GatewayEnv>): Response {
  const path = rawPath(c.req.raw);
  if (isEtcdPath(c.req.raw)) {
    if (/^(?:\/clusters\/[^/]*)?\/v3$/.test(path)) return movedPermanently(c, `${path}/`);
    if (path.includes("//")) return movedPermanently(c, path.replace(/\/{2,}/g, "/"));
    const text = /\/v3(?:beta)?\//.test(path) ? "Not Found\n" : "404 page not found\n";
    return c.body(text, 404, ETCD_TEXT);
  }
  return answerProblem(
    c,
    problem(
      404,
      "not_found",
      `there is nothing at ${path}; keys are at /kv/{key}, the cluster at /status, other clusters below /clusters/{name}/`,
    ),
  );
}

/** As Go's servers answer to a path with empty parts. Source: `http.Redirect`. */
function movedPermanently(c: Context<GatewayEnv>, path: string): Response {
  const location = `${path}${new URL(c.req.raw.url).search}`;
  if (c.req.method !== "GET" && c.req.method !== "HEAD") return c.body(null, 301, { Location: location });
  const href = location.replaceAll("&", "&amp;").replaceAll("'", "&#39;").replaceAll("<", "&lt;");
  return c.body(`<a href="${href}">Moved Permanently</a>.\n\n`, 301, {
    Location: location,
    "Content-Type": "text/html; charset=utf-8",
  });
}

function refuseAll(app: Hono<GatewayEnv>, problems: readonly ConfigProblem[]): void {
  const list = problems.map(({ variable, message, fix }) => `${variable}: ${message}; ${fix}`);
  app.all("*", (c) =>
    answerProblem(
      c,
      problem(500, "invalid_configuration", `the configuration is invalid. ${list.join(". ")}`, {
        fields: { problems },
      }),
    ),
  );
}

function createServices(config: Config, deps: GatewayDeps): Services {
  const { clock, entropy } = deps;
  const router = new LeaderRouter(deps.replicas(config), clock, entropy, {
    members: config.members.map((member) => member.name),
    budgetMs: REQUEST_BUDGET_MS,
    // An election takes up to twice its timeout; by then somebody else may have won it.
    attemptMs: Math.min(Math.max(ATTEMPT_MS_MIN, 2 * config.electionMs), REQUEST_BUDGET_MS / 2),
  });
  return { config, router, clock, entropy, passwords: new Passwords(entropy) };
}

export interface Gateway {
  /** What the Worker answers requests with. */
  readonly fetch: Hono<GatewayEnv>["fetch"];
  /** The same without the short way for plain puts and gets. */
  readonly app: Hono<GatewayEnv>;
}

/** The gateway's HTTP application. It keeps nothing but the leaders it has learned. */
export function createApp(deps: GatewayDeps): Gateway {
  const services = deps.config.ok ? createServices(deps.config.value, deps) : null;
  const app = routed(services, deps);
  if (services === null) return { app, fetch: app.fetch };
  const direct = directKv(services, deps.log);
  return { app, fetch: (request, ...rest) => direct(request, () => app.fetch(request, ...rest)) };
}

/** Null: the configuration has problems. */
function routed(services: Services | null, deps: GatewayDeps): Hono<GatewayEnv> {
  // Paths are matched as they were sent, so that the router and every check see the same one.
  const app = new Hono<GatewayEnv>({ getPath: rawPath });
  app.onError((error, c) => {
    deps.log(`${c.req.method} ${rawPath(c.req.raw)} failed`, error);
    if (isEtcdPath(c.req.raw)) return answerRefusal(c, refused(GRPC_CODE.internal, UNEXPECTED.message));
    return answerProblem(c, { ...UNEXPECTED, headers: corsHeaders(c.req.raw) });
  });
  app.notFound(notFound);
  app.use("*", hearOut);
  app.use("*", cors);
  app.route("/", livenessRoutes());
  if (services === null) {
    refuseAll(app, deps.config.ok ? [] : deps.config.error);
    return app;
  }
  const { config } = services;
  app.use("*", authenticate(config.access));
  app.use("*", readToken(config.access));
  app.use("*", selectReplica(services.router));
  app.use("*", async (c, next) => {
    c.set("cluster", DEFAULT_CLUSTER);
    return next();
  });
  const routes = new Hono<GatewayEnv>();
  routes.route("/", kvRoutes(services));
  routes.route("/", statusRoutes(services));
  routes.route("/", healthRoutes(services));
  routes.route("/", metricsRoutes(services));
  routes.route("/", hashKvRoutes(services));
  routes.route("/", restoreRoutes(services));
  routes.route("/", v3Routes(services));
  routes.route("/", connectRoutes(services, deps.log));
  const servicesOver = (ways: CallWays): Services => ({
    ...services,
    router: services.router.over(deps.replicas(config, ways)),
  });
  routes.route("/", sessionRoutes({ services, servicesOver, log: deps.log }));
  app.route("/", routes);
  app.use("/clusters/:cluster/*", selectCluster(config));
  app.route("/clusters/:cluster", livenessRoutes());
  app.route("/clusters/:cluster", routes);
  return app;
}
