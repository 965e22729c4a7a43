import type { ErrorKey } from "../wire/errors.ts";

/** What became of one command. Equal on every replica, except when remembered bodies were lost. */
export type ApplyOutcome =
  | {
      readonly kind: "applied";
      /** The store's revision when the command was applied: its own, if it changed something. */
      readonly revision: number;
      /** The encoded etcd response of the command's kind; its header holds only the revision. */
      readonly response: Uint8Array;
      /** False when the body is lost (too long to build or to remember): the header remains. */
      readonly complete: boolean;
    }
  | { readonly kind: "rejected"; readonly error: ErrorKey; readonly revision: number }
  /** The operation id is older than the memory of operations: it may or may not have been applied. */
  | { readonly kind: "superseded"; readonly revision: number };

/** What became of one log entry. */
export interface ApplyResult {
  /** One for each command of the entry, in order; none for a leader's no-op. */
  readonly outcomes: readonly ApplyOutcome[];
  /** The entry wrote the revisions above this one ... */
  readonly revisionBefore: number;
  /** ... up to and including this one. Equal when it changed nothing. */
  readonly revisionAfter: number;
}
