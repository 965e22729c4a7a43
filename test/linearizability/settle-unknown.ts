/**
 * A write of unknown outcome whose value somebody read did take effect: at the mod_revision the reader
 * saw, and before the reader had its answer. Saying so spares the search its most expensive guesses.
 * Only done where it is certain: the value was written once in the whole history of the key, and all
 * readers agree on the revision. (Where they do not, the search finds the contradiction itself.)
 */
import { type Operation, writtenValue } from "./operation.ts";

type Sighting = { readonly modRevision: number; readonly seenBy: number; readonly agreed: boolean };

/** `operations` of one key. Returns them with every settled write as an acknowledged one. */
export function settleUnknown(operations: readonly Operation[]): Operation[] {
  if (!operations.some((operation) => operation.outcome.kind === "unknown")) return [...operations];
  const writers = new Map<string, number>();
  const sightings = new Map<string, Sighting>();
  for (const operation of operations) {
    const value = writtenValue(operation.action);
    if (value !== null) writers.set(value, (writers.get(value) ?? 0) + 1);
    const { outcome } = operation;
    if (outcome.kind !== "found" || operation.return === null) continue;
    const known = sightings.get(outcome.value);
    sightings.set(outcome.value, {
      modRevision: outcome.modRevision,
      seenBy: Math.min(known?.seenBy ?? operation.return, operation.return),
      agreed: known === undefined || (known.agreed && known.modRevision === outcome.modRevision),
    });
  }
  return operations.map((operation) => {
    const value = writtenValue(operation.action);
    if (operation.outcome.kind !== "unknown" || value === null || writers.get(value) !== 1) return operation;
    const sighting = sightings.get(value);
    if (sighting === undefined || !sighting.agreed) return operation;
    return {
      ...operation,
      return: Math.max(operation.call, sighting.seenBy),
      outcome: { kind: "written", revision: sighting.modRevision },
    };
  });
}
