/** `GET /session`: a WebSocket on which many calls are in flight (docs/session.md). */
import { type Context, Hono } from "hono";
import { answerProblem, problem } from "../problem.ts";
import type { GatewayEnv, Services } from "../services.ts";
import { type CallWays, Gathering } from "../session/gathering.ts";
import { Session } from "../session/session.ts";
import { SessionCalls } from "../session/session-calls.ts";
import { SESSION_PROTOCOL } from "../session/session-protocol.ts";
import { acceptWebSocket } from "../session/web-socket.ts";
import { baseUrlOf, outliveIn } from "../v3/open-call.ts";
import { onlyMethods } from "./methods.ts";

export interface SessionRoutesParts {
  readonly services: Services;
  /** The same services, whose calls to replicas are made in these ways. */
  readonly servicesOver: (ways: CallWays) => Services;
  readonly log: (message: string, error: unknown) => void;
}

export function sessionRoutes(parts: SessionRoutesParts): Hono<GatewayEnv> {
  const app = new Hono<GatewayEnv>();
  app.get("/session", (c) => {
    if (c.req.header("Upgrade")?.toLowerCase() !== "websocket") {
      const text = "a session is a WebSocket: connect to it with the subprotocol edged.session.v1";
      return answerProblem(c, problem(426, "upgrade_required", text));
    }
    const offered = (c.req.header("Sec-WebSocket-Protocol") ?? "").split(",").map((name) => name.trim());
    if (!offered.includes(SESSION_PROTOCOL)) {
      const text = `the WebSocket must offer the subprotocol ${SESSION_PROTOCOL}`;
      return answerProblem(c, problem(400, "unknown_subprotocol", text));
    }
    return accept(c, parts);
  });
  onlyMethods(app, "/session", ["GET"]);
  return app;
}

function accept(c: Context<GatewayEnv>, { services, servicesOver, log }: SessionRoutesParts): Response {
  const { socket, response, listen } = acceptWebSocket(SESSION_PROTOCOL);
  const gathering = new Gathering(services.clock);
  const over = new AbortController();
  const cluster = c.get("cluster");
  const calls = new SessionCalls({
    sharing: servicesOver(gathering),
    apart: servicesOver(gathering.apart),
    arrival: {
      cluster,
      pin: c.get("pin"),
      token: c.get("token"),
      baseUrl: baseUrlOf(c.req.raw, cluster),
      signal: over.signal,
      outlive: outliveIn(c),
    },
    log,
  });
  const session = new Session({
    socket,
    serve: (call) => calls.serve(call),
    replicaCalls: () => gathering.calls,
    clock: services.clock,
  });
  listen(
    (data) => session.receive(data),
    () => {
      session.closed();
      over.abort();
    },
  );
  session.run().catch((error: unknown) => log("a session failed", error));
  return response;
}
