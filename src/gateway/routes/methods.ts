import type { Context, Hono } from "hono";
import { ETCD_TEXT, isEtcdPath } from "../etcd-paths.ts";
import { answerProblem, problem } from "../problem.ts";
import type { GatewayEnv } from "../services.ts";

/** Any other method on `path` is refused with 405 and `Allow`. Registered after the real handlers. */
export function onlyMethods(app: Hono<GatewayEnv>, path: string, allowed: readonly string[]): void {
  const allow = [...allowed, "OPTIONS"].join(", ");
  app.all(path, (c: Context<GatewayEnv>) => {
    if (isEtcdPath(c.req.raw)) {
      return c.body("Method Not Allowed\n", 405, { Allow: allow, ...ETCD_TEXT });
    }
    return answerProblem(
      c,
      problem(405, "method_not_allowed", `${c.req.method} is not possible here; possible: ${allow}`, {
        headers: { Allow: allow },
      }),
    );
  });
}
