/** etcd's v3 API as JSON, below `/v3/` and, as in etcd 3.4, `/v3beta/`. */
import { type Context, Hono } from "hono";
import { ETCD_TEXT } from "../etcd-paths.ts";
import { rawPath } from "../key-path.ts";
import type { GatewayEnv, Services } from "../services.ts";
import { V3_METHODS } from "../v3/methods.ts";
import { answerUnary } from "../v3/unary.ts";

/** Known to gRPC alone: etcd 3.4 has no JSON for them. */
const WITHOUT_JSON: ReadonlySet<string> = new Set(["maintenance/hashkv", "auth/status"]);

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
  const app = new Hono<GatewayEnv>();
  for (const path of ["/v3/*", "/v3beta/*"]) {
    app.all(path, async (c) => {
      const name = endpointName(c.req.raw);
      const method = V3_METHODS.get(name ?? "");
      if (name === null)
        return c.body("400 Bad Request", 400, { "Content-Type": "text/plain; charset=utf-8" });
      if (method === undefined || WITHOUT_JSON.has(name)) return c.notFound();
      if (methodOf(c) !== "POST") {
        return c.body("Method Not Allowed\n", 405, ETCD_TEXT);
      }
      if (method.kind === "stream") return method.handle(c, services, name);
      return answerUnary(c, services, name, method);
    });
  }
  return app;
}
