import { createMiddleware } from "hono/factory";
import type { Config } from "../../durable/config.ts";
import { answerProblem, problem } from "../problem.ts";
import type { GatewayEnv } from "../services.ts";

/** The cluster whose paths are at the root. */
export const DEFAULT_CLUSTER = "default";

const CLUSTER_NAME = /^[a-z0-9][a-z0-9-]{0,62}$/;

/** Which cluster the path names, and whether it may be used. */
export function selectCluster(config: Config): ReturnType<typeof createMiddleware<GatewayEnv>> {
  return createMiddleware<GatewayEnv>(async (c, next) => {
    const name = c.req.param("cluster") ?? DEFAULT_CLUSTER;
    if (!CLUSTER_NAME.test(name)) {
      return answerProblem(
        c,
        problem(
          400,
          "invalid_cluster",
          "a cluster's name has 1 to 63 lower-case letters, digits and hyphens and does not start with a hyphen",
        ),
      );
    }
    if (name !== DEFAULT_CLUSTER && !config.allowClusterCreate) {
      return answerProblem(
        c,
        problem(
          404,
          "cluster_not_found",
          `there is no cluster "${name}": only "${DEFAULT_CLUSTER}" exists here; set ALLOW_CLUSTER_CREATE to true for others`,
        ),
      );
    }
    c.set("cluster", name);
    return next();
  });
}

/** `X-Edged-Replica: r2` brings a request to that replica and no other. */
export function selectReplica(config: Config): ReturnType<typeof createMiddleware<GatewayEnv>> {
  const names = config.members.map((member) => member.name);
  return createMiddleware<GatewayEnv>(async (c, next) => {
    const wanted = c.req.header("X-Edged-Replica")?.trim() ?? null;
    if (wanted !== null && !names.includes(wanted)) {
      return answerProblem(
        c,
        problem(
          400,
          "unknown_replica",
          `X-Edged-Replica: there is no replica "${wanted}"; there are ${names.join(", ")}`,
        ),
      );
    }
    c.set("pin", wanted);
    return next();
  });
}
