/** Calls that came together: one turn of the engine for all, and each its own answer. */
import { LIMITS } from "../base/limits.ts";
import type { Engine } from "../engine/engine.ts";
import type { AskAlone, RangeCall, RangeReply, Unavailable } from "../engine/replica-api.ts";
import { unavailable } from "../engine/replies.ts";

/** Hands one call to the engine. */
export type ServeCall<Call, T> = (
  engine: Engine,
  now: number,
  call: Call,
  done: (reply: T | Unavailable) => void,
) => void;

/** The answers in the order of `calls`, when the last of them is there. One that cannot be read fails alone. */
export function serveTogether<Call, T>(
  engine: Engine,
  now: number,
  calls: readonly Call[],
  serve: ServeCall<Call, T>,
): Promise<readonly (T | Unavailable)[]> {
  const replies: Promise<T | Unavailable>[] = [];
  engine.together(now, () => {
    for (const call of calls) {
      const reply = new Promise<T | Unavailable>((resolve) => serve(engine, now, call, resolve));
      replies.push(reply.catch((error: unknown) => unreadable(error)));
    }
  });
  return Promise.all(replies);
}

/** Reads of which only so many are answered together as fit one call. */
export function boundedRanges(count: number): ServeCall<RangeCall, RangeReply | AskAlone> {
  let bytes = 0;
  return (engine, now, call, done) =>
    engine.range(now, call, (reply) => {
      bytes += reply.kind === "range" ? reply.response.length : 0;
      // Dropped at once: all of them together would not fit this object's memory either.
      done(bytes > LIMITS.manyAnswersBytesMax && count > 1 ? { kind: "alone" } : reply);
    });
}

function unreadable(error: unknown): Unavailable {
  const message = error instanceof Error ? error.message : String(error);
  return unavailable("stopped", `the call cannot be read: ${message}`, null);
}
