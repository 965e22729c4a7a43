import type { ErrorKey } from "../../wire/errors.ts";
import type { ApplyOutcome } from "../apply-outcome.ts";

const FORBIDDEN: ReadonlySet<ErrorKey> = new Set([
  "userEmpty",
  "permissionDenied",
  "authOldRevision",
  "invalidAuthToken",
]);

/** True if the command was refused for who asked, or for how little was known of that. */
export function isForbidden(outcome: ApplyOutcome): boolean {
  return outcome.kind === "rejected" && FORBIDDEN.has(outcome.error);
}
