/** Is an answer what the writes up to its revision say? */
import { assertNever } from "../../src/base/assert.ts";
import type { Operation } from "./operation.ts";
import type { RevisionIndex, Version } from "./revision-index.ts";
import type { OrderViolation } from "./revision-order.ts";

/** null when the answer of `operation` is right. */
export function checkAnswer(operation: Operation, index: RevisionIndex): OrderViolation | null {
  const { action, outcome, key } = operation;
  const made = index.revisionOf(operation);
  switch (outcome.kind) {
    case "failed":
      return null;
    case "unknown":
      return made === null ? null : checkPrecondition(operation, made, index);
    case "found":
      return checkKey(operation, outcome.modRevision, outcome.value, outcome.revision, index);
    case "missing":
    case "nothing-deleted":
      return checkKey(operation, 0, undefined, outcome.revision, index);
    case "refused": {
      const expected = action.kind === "cas" || action.kind === "delete" ? action.expected : null;
      if (outcome.modRevision === expected) {
        return wrong("comparison", operation, `refused although ${key} was at ${expected}`, null);
      }
      return checkKey(operation, outcome.modRevision, undefined, outcome.revision, index);
    }
    case "written":
    case "deleted":
      return checkPrecondition(operation, outcome.revision, index);
    default:
      return assertNever(outcome, "revision answer");
  }
}

/** A write at `revision` happened where it was allowed to happen. */
function checkPrecondition(
  operation: Operation,
  revision: number,
  index: RevisionIndex,
): OrderViolation | null {
  const { action, key } = operation;
  const before = index.versionAt(key, revision - 1);
  const at = before === null || before.value === null ? 0 : before.revision;
  if (action.kind === "get" || action.kind === "put") return null;
  if (action.kind === "delete" && action.expected === null) {
    if (at !== 0 || mayHide(key, before, revision - 1, index, "put")) return null;
    return wrong("delete", operation, `${key} did not exist before revision ${revision}`, before);
  }
  const expected = action.expected ?? 0;
  if (at === expected) return null;
  if (expected === 0 && mayHide(key, before, revision - 1, index, "delete")) return null;
  return wrong(
    "comparison",
    operation,
    `took effect at ${revision} although ${key} was at ${at} and not at ${expected}`,
    before,
  );
}

/** `key` was at `mod` (0: missing) with `value` (undefined: not told) when the store was at `revision`. */
function checkKey(
  operation: Operation,
  mod: number,
  value: string | undefined,
  revision: number,
  index: RevisionIndex,
): OrderViolation | null {
  const { key } = operation;
  if (mod > revision) {
    return wrong("revision order", operation, `mod ${mod} is above the store's ${revision}`, null);
  }
  const version = index.versionAt(key, revision);
  const at = version === null || version.value === null ? 0 : version.revision;
  if (mod === 0) {
    if (at === 0 || mayHide(key, version, revision, index, "delete")) return null;
    return wrong("lost or stale", operation, `${key} had mod ${at} at store revision ${revision}`, version);
  }
  if (at !== mod) {
    const truth = at === 0 ? "did not exist" : `had mod ${at}`;
    return wrong("lost or stale", operation, `${key} ${truth} at store revision ${revision}`, version);
  }
  if (value !== undefined && version?.value !== undefined && version?.value !== value) {
    return wrong("wrong value", operation, `${key} was ${version?.value} at mod ${mod}`, version);
  }
  return null;
}

/** An unknown write nobody saw may stand between `after` and `upTo` and explain what is seen there. */
function mayHide(
  key: string,
  after: Version | null,
  upTo: number,
  index: RevisionIndex,
  kind: "put" | "delete",
): boolean {
  if (!index.hasGap(after?.revision ?? index.baseRevision, upTo)) return false;
  for (const write of index.unseenWrites(key)) {
    if ((write.action.kind === "delete") === (kind === "delete")) return true;
  }
  return false;
}

function wrong(rule: string, operation: Operation, message: string, version: Version | null): OrderViolation {
  const writer = version?.writer;
  return { rule, message, operations: writer === undefined ? [operation] : [writer, operation] };
}
