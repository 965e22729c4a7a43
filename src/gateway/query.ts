/** Query parameters: known ones only, each at most once, decoded as bytes where they are keys. */
import { LIMITS } from "../base/limits.ts";
import { err, ok, type Result } from "../base/result.ts";
import { decodePercent, strictUtf8 } from "./percent.ts";
import { type Problem, problem } from "./problem.ts";

export type Query = ReadonlyMap<string, Uint8Array>;

function invalid(message: string): { readonly ok: false; readonly error: Problem } {
  return err(problem(400, "invalid_parameter", message));
}

/** The parameters of a request. Any that is not in `known` is refused, naming those that are. */
export function parseQuery(request: Request, known: readonly string[]): Result<Query, Problem> {
  const query = new Map<string, Uint8Array>();
  for (const pair of new URL(request.url).search.slice(1).split("&")) {
    if (pair === "") continue;
    const equals = pair.indexOf("=");
    const rawName = equals < 0 ? pair : pair.slice(0, equals);
    const name = decodePercent(rawName, true);
    const value = decodePercent(equals < 0 ? "" : pair.slice(equals + 1), true);
    const nameText = name.ok ? strictUtf8(name.value) : null;
    if (nameText === null || !known.includes(nameText)) {
      const hint = known.length === 0 ? "this path takes none here" : `known here: ${known.join(", ")}`;
      return err(problem(400, "unknown_parameter", `unknown parameter "${nameText ?? rawName}"; ${hint}`));
    }
    if (!value.ok) return invalid(`"${value.error}" in ${nameText} is no percent-escape`);
    if (query.has(nameText)) return invalid(`${nameText} is given more than once`);
    query.set(nameText, value.value);
  }
  return ok(query);
}

/** A whole number from `min` to `max`; `fallback` when it is absent. */
export function countParameter(
  query: Query,
  name: string,
  { fallback, min, max }: { readonly fallback: number; readonly min: number; readonly max: number },
): Result<number, Problem> {
  const bytes = query.get(name);
  if (bytes === undefined) return ok(fallback);
  const text = strictUtf8(bytes) ?? "";
  const value = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= min && value <= max) return ok(value);
  return invalid(`${name} must be a whole number from ${min} to ${max}`);
}

/** Present without a value, `true` or `1` is true; absent, `false` or `0` is false. */
export function flagParameter(query: Query, name: string): Result<boolean, Problem> {
  const bytes = query.get(name);
  if (bytes === undefined) return ok(false);
  const text = strictUtf8(bytes);
  if (text === "" || text === "true" || text === "1") return ok(true);
  if (text === "false" || text === "0") return ok(false);
  return invalid(`${name} must be true or false`);
}

export interface ReadOptions {
  /** 0 for now. */
  readonly revision: number;
  readonly consistency: "linearizable" | "serializable";
  /** Only with linearizable: how long ago the answer may have been the newest, by its replica's clock. */
  readonly maxStalenessMs?: number;
  /** 0 for no wait. */
  readonly minRevision: number;
}

/** The parameters of every read. */
export const READ_PARAMETERS = ["revision", "consistency", "max_staleness", "min_revision"] as const;

const STALENESS_MS = { fallback: 0, min: 1, max: LIMITS.maxStalenessMsMax };
const ANY_REVISION = { fallback: 0, min: 0, max: Number.MAX_SAFE_INTEGER };

export function readOptions(query: Query): Result<ReadOptions, Problem> {
  const revision = countParameter(query, "revision", ANY_REVISION);
  if (!revision.ok) return revision;
  const minRevision = countParameter(query, "min_revision", ANY_REVISION);
  if (!minRevision.ok) return minRevision;
  const bytes = query.get("consistency");
  const consistency = bytes === undefined ? "linearizable" : strictUtf8(bytes);
  if (consistency !== "linearizable" && consistency !== "serializable") {
    return invalid("consistency must be linearizable (the default) or serializable");
  }
  const staleness = countParameter(query, "max_staleness", STALENESS_MS);
  if (!staleness.ok) return staleness;
  const read = { revision: revision.value, consistency, minRevision: minRevision.value } as const;
  if (!query.has("max_staleness")) return ok(read);
  if (bytes !== undefined) return invalid("max_staleness is a consistency of its own: leave consistency out");
  // However old the state that it is read from: what was at a revision is the same everywhere.
  if (revision.value > 0) return invalid("what was at a revision does not grow old: leave max_staleness out");
  return ok({ ...read, maxStalenessMs: staleness.value });
}
