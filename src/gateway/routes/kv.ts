/** The plain dialect: raw bytes under `/kv/`. */
import { Hono } from "hono";
import type { GatewayEnv, Services } from "../services.ts";
import { eventsInstead } from "./kv-events.ts";
import { listKeys } from "./kv-list.ts";
import { readKey } from "./kv-read.ts";
import { deleteKey, deletePrefix, putKey } from "./kv-write.ts";
import { onlyMethods } from "./methods.ts";

export function kvRoutes(services: Services): Hono<GatewayEnv> {
  const app = new Hono<GatewayEnv>();
  const events = eventsInstead(services);
  for (const path of ["/kv", "/kv/"]) {
    app.get(path, events, (c) => listKeys(c, services));
    app.delete(path, (c) => deletePrefix(c, services));
    // A key must be named; the handler says so.
    app.put(path, (c) => putKey(c, services));
    onlyMethods(app, path, ["GET", "HEAD", "DELETE"]);
  }
  app.get("/kv/*", events, (c) => readKey(c, services));
  app.put("/kv/*", (c) => putKey(c, services));
  app.delete("/kv/*", (c) => deleteKey(c, services));
  onlyMethods(app, "/kv/*", ["GET", "HEAD", "PUT", "DELETE"]);
  return app;
}
