/** Who a write is, however often it is sent. */
import { err, ok, type Result } from "../base/result.ts";
import type { Entropy } from "./ports.ts";
import { type Problem, problem } from "./problem.ts";

const ID_BYTES = 16;
const ENCODER = new TextEncoder();
const VISIBLE_ASCII = /^[\x21-\x7e]{1,255}$/;

/** The client's `Idempotency-Key`, or null. */
export function idempotencyKey(headers: Pick<Headers, "get">): Result<string | null, Problem> {
  const key = headers.get("idempotency-key");
  if (key === null || VISIBLE_ASCII.test(key)) return ok(key);
  return err(
    problem(
      400,
      "invalid_header",
      "Idempotency-Key must be 1 to 255 visible ASCII characters without spaces",
    ),
  );
}

/** A source of ids for one write without an `Idempotency-Key`: a new one at each call. */
export function freshOperationIds(entropy: Entropy): () => Uint8Array {
  return () => entropy.bytes(ID_BYTES);
}

/**
 * The id that an `Idempotency-Key` stands for. `scope` is everything that makes two uses of one key
 * different operations: the cluster, the method, the path with its query, the kind of command (the
 * remembered answer is of that kind).
 */
export async function keyedOperationId(scope: readonly string[], key: string): Promise<Uint8Array> {
  const text = ENCODER.encode([...scope, key].join("\0"));
  const digest = await crypto.subtle.digest("SHA-256", text);
  return new Uint8Array(digest, 0, ID_BYTES).slice();
}
