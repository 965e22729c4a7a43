import { err, ok, type Result } from "../../base/result.ts";

const UNIT_MS: Readonly<Record<string, number>> = {
  H: 3_600_000,
  M: 60_000,
  S: 1_000,
  m: 1,
  u: 1e-3,
  n: 1e-6,
};

/**
 * The time that a `Grpc-Timeout` header leaves, in milliseconds; null without one. The error is
 * etcd's text.
 */
export function grpcTimeoutMs(headers: Pick<Headers, "get">): Result<number | null, string> {
  const text = headers.get("Grpc-Timeout");
  if (text === null) return ok(null);
  const match = /^([+-]?\d{1,18})([HMSmun])$/.exec(text);
  const unitMs = UNIT_MS[match?.[2] ?? ""];
  if (match === null || unitMs === undefined) return err(`invalid grpc-timeout: ${text}`);
  return ok(Number(match[1]) * unitMs);
}
