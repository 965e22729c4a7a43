/**
 * Calls to Durable Objects fail in ways that only flags on the thrown error tell apart. Here, and
 * only here, they become plain data.
 * Source: Cloudflare's pages on Durable Object error handling and troubleshooting, and measurements
 * (an aborted object fails every later call on the same stub, without the `retryable` flag).
 */

import { DeadlineError } from "./deadline.ts";

export interface PlatformFailure {
  /**
   * - `reset`: the object was aborted, evicted or replaced by a new version while it worked;
   * - `overloaded`: the platform refused the call, because too many are queued;
   * - `disconnected`: the way to the object broke; another attempt may well succeed;
   * - `deadline`: no answer came in time;
   * - `exception`: the object's own code threw, or the error carries no flag.
   */
  readonly cause: "reset" | "overloaded" | "disconnected" | "deadline" | "exception";
  /** False only when the call certainly never reached the object's code. */
  readonly mayHaveRun: boolean;
  /** For people and logs; one line. */
  readonly message: string;
}

const MESSAGE_CHARACTERS_MAX = 200;

/** The texts of refusals that precede delivery. Other overload errors end calls that already run. */
const NOT_DELIVERED = /requests queued|data queued|queued for too long|10 second window/i;

/**
 * The platform's words for an object of another version, while a deployment is upgraded, that has no such
 * method: nothing of it ran.
 */
const NO_SUCH_METHOD = /RPC receiver does not implement the method/i;

function hasFlag(error: object, flag: "retryable" | "overloaded" | "durableObjectReset"): boolean {
  return flag in error && Reflect.get(error, flag) === true;
}

function describe(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  const line = text.split("\n", 1)[0] ?? "";
  return line.length > MESSAGE_CHARACTERS_MAX ? `${line.slice(0, MESSAGE_CHARACTERS_MAX)}…` : line;
}

/** Classifies whatever a call to a Durable Object threw. */
export function classifyPlatformError(error: unknown): PlatformFailure {
  const message = describe(error);
  if (error instanceof DeadlineError) return { cause: "deadline", mayHaveRun: true, message };
  if (typeof error !== "object" || error === null) return { cause: "exception", mayHaveRun: true, message };
  if (hasFlag(error, "durableObjectReset")) return { cause: "reset", mayHaveRun: true, message };
  if (hasFlag(error, "overloaded")) {
    return { cause: "overloaded", mayHaveRun: !NOT_DELIVERED.test(message), message };
  }
  if (hasFlag(error, "retryable")) return { cause: "disconnected", mayHaveRun: true, message };
  return { cause: "exception", mayHaveRun: !NO_SUCH_METHOD.test(message), message };
}
