/** What becomes of calls that a gateway did not answer well. */
import { setTimeout as sleep } from "node:timers/promises";
import { Code, ConnectError } from "@connectrpc/connect";
import { Unreachable } from "./unreachable.ts";

/** A gateway that restarts is back after these pauses, and nobody needs to know. */
const ATTEMPTS_MAX = 20;
const PAUSE_MS = 100;

/** The gateway gave no answer of its own. */
export function isUnreachable(error: unknown): boolean {
  if (error instanceof Unreachable) return true;
  const cause: unknown = error instanceof ConnectError ? error.cause : null;
  if (cause instanceof Unreachable) return true;
  return cause instanceof Error && "syscall" in cause;
}

/**
 * Whether another gateway may do better, or the same one over a new connection or a moment later;
 * that moment has passed when it resolves. `attempt` counts from 0.
 */
export async function isWorthRepeating(error: unknown, attempt: number, gateways: number): Promise<boolean> {
  const isBroken = isUnreachable(error);
  const isBusy = error instanceof ConnectError && error.code === Code.Unavailable;
  const attemptsMax = isBroken ? ATTEMPTS_MAX : gateways;
  if (!(isBroken || isBusy) || attempt + 1 >= attemptsMax) return false;
  // All were asked once, and one connection may just have been an old one.
  if (attempt >= gateways) await sleep(PAUSE_MS);
  return true;
}

/** What the client is told: the gateway's words, or that there is no gateway. */
export function clientError(error: unknown): ConnectError {
  if (error instanceof Unreachable) return new ConnectError(error.message, Code.Unavailable);
  if (!(error instanceof ConnectError)) return ConnectError.from(error, Code.Internal);
  // The framing's headers of that answer are not for this one.
  return new ConnectError(error.rawMessage, isUnreachable(error) ? Code.Unavailable : error.code);
}
