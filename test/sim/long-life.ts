/**
 * What is drawn for lives that last longer than any that is drawn: mostly production's own heartbeats, and
 * clients that take their time. A minute at the pace of eight seconds costs twice as much, and a second of
 * a core gets to no more rare places by it. Misfortunes are as frequent as in short lives.
 */
import type { Prng } from "../../src/base/prng.ts";
import type { RunOptions } from "./options.ts";

export type Pace = Pick<RunOptions, "heartbeatMs" | "electionMs" | "attemptMs" | "thinkMs" | "operationsMax">;

/** Production's default (src/durable/config.ts). */
const HEARTBEAT_MS = 250;

/** Enough for a crowd to fill batches, windows and queues many times over. */
const CROWD_OPERATIONS = 500;

/** `isCrowded`: clients come in dozens. */
export function longLife(random: Prng, drawn: Pace, isCrowded: boolean): Pace {
  const operationsMax = isCrowded ? CROWD_OPERATIONS : drawn.operationsMax;
  // One in eight keeps the pace of short lives, for what only many elections or many operations reach.
  if (random.chance(0.125)) return { ...drawn, operationsMax };
  const electionMs = HEARTBEAT_MS * random.pick([4, 6, 6, 10]);
  return {
    heartbeatMs: HEARTBEAT_MS,
    electionMs,
    attemptMs: Math.ceil((electionMs * drawn.attemptMs) / drawn.electionMs),
    thinkMs: random.pick([100, 300, 1_000, 1_000]),
    operationsMax,
  };
}
