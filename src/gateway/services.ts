import type { Config } from "../durable/config.ts";
import type { LeaderRouter } from "./leader-router.ts";
import type { Passwords } from "./passwords.ts";
import type { Clock, Entropy } from "./ports.ts";

/** What the routes work with. */
export interface Services {
  readonly config: Config;
  readonly router: LeaderRouter;
  readonly clock: Clock;
  readonly entropy: Entropy;
  readonly passwords: Passwords;
}

/** What the middleware leaves for the routes, in Hono's terms. */
export interface GatewayEnv {
  Variables: {
    /** The cluster that the path names; "default" at the root. */
    cluster: string;
    /** The member that `X-Edged-Replica` asks for. */
    pin: string | null;
    /** The digest of the token of a signed-in user, valid or not; null without one. */
    token: string | null;
  };
}
