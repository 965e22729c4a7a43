/**
 * One operation of one client on one key, as it was seen from outside. A list of these is a history;
 * everything the judges know about the store is in it.
 */

/** What the client asked for. `expected` is a mod_revision; 0 means "the key must not exist". */
export type Action =
  | { readonly kind: "get"; readonly consistency: "linearizable" | "serializable" }
  | { readonly kind: "put"; readonly value: string }
  | { readonly kind: "cas"; readonly value: string; readonly expected: number }
  /** `expected: null` deletes whatever is there. */
  | { readonly kind: "delete"; readonly expected: number | null };

/**
 * What the client learned. `revision` is the store's revision at which the operation took place: a
 * write's own one, or the one a read or a refusal was evaluated at. `modRevision` is the key's; 0 when
 * the key is missing.
 */
export type Outcome =
  | {
      readonly kind: "found";
      readonly value: string;
      readonly modRevision: number;
      readonly revision: number;
    }
  | { readonly kind: "missing"; readonly revision: number }
  | { readonly kind: "written"; readonly revision: number }
  | { readonly kind: "deleted"; readonly revision: number }
  | { readonly kind: "nothing-deleted"; readonly revision: number }
  /** The comparison of a cas or of a conditional delete did not hold. */
  | { readonly kind: "refused"; readonly modRevision: number; readonly revision: number }
  /** Certainly without effect, now and later. */
  | { readonly kind: "failed"; readonly reason: string }
  /** May have taken effect, may take effect at any later time, or never. */
  | { readonly kind: "unknown"; readonly reason: string };

export interface Operation {
  /** Unique in the history. */
  readonly id: number;
  /** The client; only for people. */
  readonly process: number;
  readonly key: string;
  readonly action: Action;
  /** When the request left, in milliseconds (fractions allowed) of one clock for the whole history. */
  readonly call: number;
  /** When the answer was there, same clock; null when the outcome is unknown. */
  readonly return: number | null;
  readonly outcome: Outcome;
}

/** The value a put or cas writes; null for the others. */
export function writtenValue(action: Action): string | null {
  return action.kind === "put" || action.kind === "cas" ? action.value : null;
}

function describeAction(operation: Operation): string {
  const { action, key } = operation;
  if (action.kind === "get") return `${action.consistency === "serializable" ? "local-" : ""}get ${key}`;
  if (action.kind === "put") return `put ${key}=${action.value}`;
  if (action.kind === "cas") return `cas ${key}@${action.expected}=${action.value}`;
  return action.expected === null ? `delete ${key}` : `delete ${key}@${action.expected}`;
}

function describeOutcome(outcome: Outcome): string {
  if (outcome.kind === "found") {
    return `${outcome.value} (mod ${outcome.modRevision}, store ${outcome.revision})`;
  }
  if (outcome.kind === "refused") return `refused (mod ${outcome.modRevision}, store ${outcome.revision})`;
  if (outcome.kind === "failed" || outcome.kind === "unknown") return `${outcome.kind}: ${outcome.reason}`;
  return `${outcome.kind} (store ${outcome.revision})`;
}

/** One line for people: id, client, interval, request and answer. */
export function describeOperation(operation: Operation): string {
  const end = operation.return === null ? "?" : operation.return.toFixed(3);
  const interval = `[${operation.call.toFixed(3)} .. ${end}]`;
  return `#${operation.id} p${operation.process} ${interval} ${describeAction(operation)} -> ${describeOutcome(operation.outcome)}`;
}
