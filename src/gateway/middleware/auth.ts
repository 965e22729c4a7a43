import { createMiddleware } from "hono/factory";
import type { Access } from "../../durable/config.ts";
import { equalBytesSlowly } from "../equal-bytes.ts";
import { rawPath } from "../key-path.ts";
import { answerProblem, type Problem, problem } from "../problem.ts";
import type { GatewayEnv } from "../services.ts";
import { bearerProtocol } from "./bearer-protocol.ts";

/** Answered to everybody. Only at the root: asking for another cluster could make it. */
const OPEN_PATHS: ReadonlySet<string> = new Set(["/health", "/livez", "/readyz", "/version"]);

const CHALLENGE = { "WWW-Authenticate": 'Bearer realm="edged"' };

function refused(message: string): Problem {
  return problem(401, "unauthenticated", message, { headers: CHALLENGE });
}

const CLOSED = refused(
  "this deployment is closed: set a token with `wrangler secret put API_TOKEN` and send it as Authorization: Bearer TOKEN, or set ALLOW_ANONYMOUS to true",
);
const MISSING = refused("send the API_TOKEN of this deployment as Authorization: Bearer TOKEN");
const WRONG = refused("the token is not the API_TOKEN of this deployment");

async function digest(text: string): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text)));
}

/** Whether an `Authorization` has the token. Digests are compared, so neither length nor content leak by time. */
export function tokenGate(token: string): (authorization: string) => Promise<boolean> {
  let expected: Uint8Array | null = null;
  return async (authorization) => {
    expected ??= await digest(token);
    return equalBytesSlowly(await digest(tokenIn(authorization)), expected);
  };
}

function tokenIn(authorization: string): string {
  return authorization.replace(/^Bearer +/i, "");
}

/** Lets through who may come in. */
export function authenticate(access: Access): ReturnType<typeof createMiddleware<GatewayEnv>> {
  const isKnown = access.kind === "token" ? tokenGate(access.token) : null;
  return createMiddleware<GatewayEnv>(async (c, next) => {
    if (access.kind === "anonymous" || OPEN_PATHS.has(rawPath(c.req.raw))) return next();
    if (isKnown === null) return answerProblem(c, CLOSED);
    const header = c.req.header("Authorization") ?? bearerProtocol(c.req.raw) ?? "";
    if (tokenIn(header) === "") return answerProblem(c, MISSING);
    return (await isKnown(header)) ? next() : answerProblem(c, WRONG);
  });
}
