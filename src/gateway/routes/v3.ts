/** etcd's v3 API as JSON, below `/v3/` and, as in etcd 3.4, `/v3beta/`. */
import { type Context, Hono } from "hono";
import { ETCD_TEXT } from "../etcd-paths.ts";
import { rawPath } from "../key-path.ts";
import type { GatewayEnv, Services } from "../services.ts";
import { KV_HANDLERS } from "../v3/kv.ts";

const BELOW_V3 = /^(?:\/clusters\/[^/]*)?\/v3(?:beta)?\/(.*)$/;

/** The part of the path below `/v3/`, percent-escapes resolved; null if they cannot be. */
function endpointName(request: Request): string | null {
  const name = BELOW_V3.exec(rawPath(request))?.[1] ?? "";
  try {
    return decodeURIComponent(name);
  } catch {
    return null;
  }
}

/** etcd's gateway takes another method from this header. */
function methodOf(c: Context<GatewayEnv>): string {
  const override = c.req.header("X-HTTP-Method-Override") ?? "";
  return c.req.method === "POST" && override !== "" ? override.toUpperCase() : c.req.method;
}

export function v3Routes(services: Services): Hono<GatewayEnv> {
  const handlers = new Map(Object.entries(KV_HANDLERS));
  const app = new Hono<GatewayEnv>();
  for (const path of ["/v3/*", "/v3beta/*"]) {
    app.all(path, async (c) => {
      const name = endpointName(c.req.raw);
      const handler = name === null ? undefined : handlers.get(name);
      if (name === null || handler === undefined) return c.notFound();
      if (methodOf(c) !== "POST") {
        return c.body("Method Not Allowed\n", 405, ETCD_TEXT);
      }
      return handler(c, services, name);
    });
  }
  return app;
}
