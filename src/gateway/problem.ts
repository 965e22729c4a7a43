import type { Context } from "hono";
import type { ContentfulStatusCode } from "hono/utils/http-status";

/** An answer that is not what the client asked for. */
export interface Problem {
  readonly status: ContentfulStatusCode;
  /** Stable, for programs. */
  readonly code: string;
  /** For people: what is wrong and what to do. */
  readonly message: string;
  /** Further fields of the JSON body. */
  readonly fields?: Readonly<Record<string, unknown>>;
  /** Further headers of the answer. */
  readonly headers?: Readonly<Record<string, string>>;
}

export function problem(
  status: ContentfulStatusCode,
  code: string,
  message: string,
  more: Pick<Problem, "fields" | "headers"> = {},
): Problem {
  return { status, code, message, ...more };
}

/** Every error of the plain dialect is answered through this: JSON with `code` and `message`. */
export function answerProblem(c: Context, { status, code, message, fields, headers }: Problem): Response {
  return c.json({ code, message, ...fields }, status, headers);
}

/** {@link answerProblem} for requests that did not come through Hono. */
export function problemResponse({ status, code, message, fields, headers }: Problem): Response {
  return Response.json({ code, message, ...fields }, { status, headers: headers ?? {} });
}

/** A bug of ours. Clients are not shown what went wrong. */
export const UNEXPECTED = problem(500, "internal", "an unexpected error; the log of the Worker has it");
