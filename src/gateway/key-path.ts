/** Which key a path names. */
import { LIMITS } from "../base/limits.ts";
import { err, ok, type Result } from "../base/result.ts";
import { decodePercent } from "./percent.ts";
import { type Problem, problem } from "./problem.ts";

const CLUSTER_PREFIX = /^\/clusters\/[^/]*/;

/** A URL in which nothing means anything but itself: most are, and each request is asked several times. */
const PLAIN_URL = /^https?:\/\/[^/?#\\]+(\/[\w.~/:-]*)(?:\?[^#]*)?$/;

/** The path of a request, its percent-escapes untouched. */
export function rawPath({ url }: Pick<Request, "url">): string {
  const path = PLAIN_URL.exec(url)?.[1];
  // Parts of dots are for the parser, which removes them.
  return path !== undefined && !path.includes("/.") ? path : new URL(url).pathname;
}

/** The key of `/kv/{key}`, which is all of the rest of the path: slashes belong to it. */
export function keyOfPath(request: Request): Result<Uint8Array, Problem> {
  const path = rawPath(request).replace(CLUSTER_PREFIX, "");
  const start = path.indexOf("/", 1);
  const decoded = decodePercent(start < 0 ? "" : path.slice(start + 1), false);
  if (!decoded.ok) {
    return err(
      problem(
        400,
        "invalid_key",
        `"${decoded.error}" in the path is no percent-escape; write a percent sign as %25`,
      ),
    );
  }
  return checkKey(decoded.value);
}

/** A key within the limits. */
export function checkKey(key: Uint8Array): Result<Uint8Array, Problem> {
  if (key.length === 0) {
    return err(
      problem(
        400,
        "empty_key",
        "key is not provided: name one as /kv/{key}, or list and delete many with /kv/?prefix=",
      ),
    );
  }
  if (key.length > LIMITS.keyBytesMax) {
    return err(
      problem(400, "key_too_large", `a key of ${key.length} bytes is above ${LIMITS.keyBytesMax} bytes`),
    );
  }
  return ok(key);
}
