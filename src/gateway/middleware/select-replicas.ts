import { createMiddleware } from "hono/factory";
import { isMemberName } from "../../base/member-name.ts";
import type { Config } from "../../durable/config.ts";
import { rawPath } from "../key-path.ts";
import type { LeaderRouter } from "../leader-router.ts";
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
export function selectReplica(router: LeaderRouter): ReturnType<typeof createMiddleware<GatewayEnv>> {
  return createMiddleware<GatewayEnv>(async (c, next) => {
    const wanted = c.req.header("X-Edged-Replica")?.trim() ?? null;
    const cluster = clusterOf(rawPath(c.req.raw));
    if (wanted !== null && !(await findReplica(router, cluster, wanted))) {
      return answerProblem(c, problem(400, "unknown_replica", unknownReplica(router, cluster, wanted)));
    }
    c.set("pin", wanted);
    return next();
  });
}

export function unknownReplica(router: LeaderRouter, cluster: string, wanted: string): string {
  const names = router.members(cluster).map(({ name }) => name);
  return `X-Edged-Replica: there is no replica "${wanted}"; there are ${names.join(", ")}`;
}

/** Whether it is a member. Later members are found by asking the ones that are known. */
export async function findReplica(router: LeaderRouter, cluster: string, wanted: string): Promise<boolean> {
  const isKnown = (): boolean => router.members(cluster).some(({ name }) => name === wanted);
  if (isKnown()) return true;
  // A cluster of an impossible name is refused later; nobody is asked for it.
  if (!CLUSTER_NAME.test(cluster) || !isMemberName(wanted)) return false;
  await router.statuses(cluster);
  return isKnown();
}

function clusterOf(path: string): string {
  return /^\/clusters\/([^/]+)\//.exec(path)?.[1] ?? DEFAULT_CLUSTER;
}
