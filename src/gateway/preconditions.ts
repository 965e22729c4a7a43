/** `If-Match` and `If-None-Match`: an entity tag is the key's mod_revision in double quotes. */
import { assertNever } from "../base/assert.ts";
import { err, ok, type Result } from "../base/result.ts";
import { type Problem, problem } from "./problem.ts";

/** One condition on the current version of a key. A missing key has mod_revision 0. */
export type Condition =
  | { readonly kind: "exists" }
  | { readonly kind: "missing" }
  | { readonly kind: "revision-is"; readonly revision: number }
  | { readonly kind: "revision-is-not"; readonly revision: number };

export function entityTag(modRevision: number): string {
  return `"${modRevision}"`;
}

/** W/ is let through: a proxy that compresses weakens tags, and ours name the value, not its coding. */
const TAG = /^(?:W\/)?"([1-9]\d{0,15})"$/;

function malformed(name: string, value: string): { readonly ok: false; readonly error: Problem } {
  return err(
    problem(
      400,
      "invalid_header",
      `${name}: ${value} is neither * nor an ETag as answered here, which is a revision in double quotes: "5"`,
    ),
  );
}

type Tags = "any" | readonly number[];

function parseTags(name: string, value: string | null): Result<Tags | null, Problem> {
  if (value === null) return ok(null);
  if (value.trim() === "*") return ok("any");
  const revisions: number[] = [];
  for (const item of value.split(",")) {
    const revision = Number(TAG.exec(item.trim())?.[1] ?? Number.NaN);
    if (!Number.isSafeInteger(revision)) return malformed(name, value);
    revisions.push(revision);
  }
  return ok(revisions);
}

/** The conditions of a write: all must hold. Empty: write whatever is there. */
export function writeConditions(headers: Headers): Result<readonly Condition[], Problem> {
  const match = parseTags("If-Match", headers.get("If-Match"));
  if (!match.ok) return match;
  const noneMatch = parseTags("If-None-Match", headers.get("If-None-Match"));
  if (!noneMatch.ok) return noneMatch;
  const conditions: Condition[] = [];
  if (match.value === "any") {
    conditions.push({ kind: "exists" });
  } else if (match.value !== null) {
    const [revision, second] = match.value;
    if (revision === undefined || second !== undefined) {
      return err(problem(400, "invalid_header", "If-Match: give one ETag; a write cannot hold for several"));
    }
    conditions.push({ kind: "revision-is", revision });
  }
  if (noneMatch.value === "any") conditions.push({ kind: "missing" });
  else for (const revision of noneMatch.value ?? []) conditions.push({ kind: "revision-is-not", revision });
  return ok(conditions);
}

/** What a read's conditions say about the version found (0: the key is missing). */
export function readVerdict(
  headers: Headers,
  modRevision: number,
): Result<"answer" | "not-modified" | "failed", Problem> {
  const match = parseTags("If-Match", headers.get("If-Match"));
  if (!match.ok) return match;
  const noneMatch = parseTags("If-None-Match", headers.get("If-None-Match"));
  if (!noneMatch.ok) return noneMatch;
  if (match.value !== null && !holds(match.value, modRevision)) return ok("failed");
  if (noneMatch.value !== null && holds(noneMatch.value, modRevision)) return ok("not-modified");
  return ok("answer");
}

function holds(tags: Tags, modRevision: number): boolean {
  return modRevision > 0 && (tags === "any" || tags.includes(modRevision));
}

/** The condition in words, for the text of a refusal. */
export function describeCondition(condition: Condition): string {
  switch (condition.kind) {
    case "exists":
      return "the key exists";
    case "missing":
      return "the key does not exist";
    case "revision-is":
      return `its mod_revision is ${condition.revision}`;
    case "revision-is-not":
      return `its mod_revision is not ${condition.revision}`;
    default:
      return assertNever(condition, "condition");
  }
}
