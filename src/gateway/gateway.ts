import { type Env, parseConfig } from "../durable/config.ts";
import { createApp, type Gateway } from "./app.ts";
import { platformClock, platformEntropy } from "./platform.ts";
import { createReplicaDirectory } from "./replica-client.ts";

/** The gateway of a Worker with this `env`. One for an isolate: it remembers leaders. */
export function createGateway(env: Env): Gateway {
  const config = parseConfig(env);
  const log = (message: string, error: unknown) => console.error(message, error);
  if (config.ok) {
    for (const { variable, message, fix } of config.value.warnings) {
      console.warn(`${variable}: ${message}; ${fix}`);
    }
  }
  return createApp({
    config,
    replicas: (valid, ways) => createReplicaDirectory(env, valid, ways),
    clock: platformClock,
    entropy: platformEntropy,
    log,
  });
}
