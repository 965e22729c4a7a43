/** The plain dialect: raw bytes under `/kv/`. */
import { Hono } from "hono";
import { createMiddleware } from "hono/factory";
import { answerProblem, problem } from "../problem.ts";
import type { GatewayEnv, Services } from "../services.ts";
import { listKeys } from "./kv-list.ts";
import { readKey } from "./kv-read.ts";
import { deleteKey, deletePrefix, putKey } from "./kv-write.ts";
import { onlyMethods } from "./methods.ts";

/** Watching by server-sent events comes later; until then it must not look like a plain read. */
const refuseEventStream = createMiddleware<GatewayEnv>(async (c, next) => {
  if (!(c.req.header("Accept") ?? "").toLowerCase().includes("text/event-stream")) return next();
  return answerProblem(
    c,
    problem(501, "not_implemented", "watching by text/event-stream is not supported yet; read with GET"),
  );
});

export function kvRoutes(services: Services): Hono<GatewayEnv> {
  const app = new Hono<GatewayEnv>();
  for (const path of ["/kv", "/kv/"]) {
    app.get(path, refuseEventStream, (c) => listKeys(c, services));
    app.delete(path, (c) => deletePrefix(c, services));
    // A key must be named; the handler says so.
    app.put(path, (c) => putKey(c, services));
    onlyMethods(app, path, ["GET", "HEAD", "DELETE"]);
  }
  app.get("/kv/*", refuseEventStream, (c) => readKey(c, services));
  app.put("/kv/*", (c) => putKey(c, services));
  app.delete("/kv/*", (c) => deleteKey(c, services));
  onlyMethods(app, "/kv/*", ["GET", "HEAD", "PUT", "DELETE"]);
  return app;
}
