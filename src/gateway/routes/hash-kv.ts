/**
 * `GET /hashkv`: a hash over the history of one replica (`X-Edged-Replica` chooses which), to be compared
 * with the others' at the same revision. etcd 3.4 has it in its gRPC API only.
 */
import { Hono } from "hono";
import { failureProblem, originHeaders, rejectedProblem } from "../answers.ts";
import { hashHistory } from "../hash-history.ts";
import { answerProblem } from "../problem.ts";
import { countParameter, parseQuery } from "../query.ts";
import type { GatewayEnv, Services } from "../services.ts";
import { onlyMethods } from "./methods.ts";

export function hashKvRoutes(services: Services): Hono<GatewayEnv> {
  const app = new Hono<GatewayEnv>();
  app.get("/hashkv", async (c) => {
    const query = parseQuery(c.req.raw, ["revision"]);
    if (!query.ok) return answerProblem(c, query.error);
    const revision = countParameter(query.value, "revision", {
      fallback: 0,
      min: 0,
      max: Number.MAX_SAFE_INTEGER,
    });
    if (!revision.ok) return answerProblem(c, revision.error);
    const choice = { cluster: c.get("cluster"), pin: c.get("pin"), token: c.get("token") };
    const outcome = await hashHistory(services.router, choice, BigInt(revision.value));
    switch (outcome.kind) {
      case "hashed": {
        const { hash, header, compactRevision } = outcome;
        const answer = {
          hash,
          revision: outcome.revision,
          compact_revision: compactRevision,
          member: header.member,
        };
        return c.json(answer, 200, originHeaders(header));
      }
      case "rejected":
        return answerProblem(c, rejectedProblem(outcome));
      case "failed": {
        const purpose = { kind: "read", consistency: "serializable", minRevision: 0 } as const;
        return answerProblem(c, failureProblem(outcome, purpose, services));
      }
    }
  });
  onlyMethods(app, "/hashkv", ["GET", "HEAD"]);
  return app;
}
