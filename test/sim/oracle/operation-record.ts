/** One client operation from its call to its answer. */
import type { hashHistory } from "../../../src/gateway/hash-history.ts";
import type {
  QueryOutcome,
  ReadOutcome,
  ReadTxnOutcome,
  WriteOutcome,
} from "../../../src/gateway/leader-router.ts";
import type { OperationKind, PlannedOperation } from "./operations/operation-kind.ts";

export interface OperationRecord {
  readonly number: number;
  readonly client: string;
  readonly kind: OperationKind;
  readonly planned: PlannedOperation;
  readonly invokedAt: number;
  /** Commands that were applied for sure when it was called: it must come after them. */
  readonly floor: number;
  /** The one replica it was sent to, or null for any. */
  readonly pin: string | null;
  /** The token it was sent with, in runs with users. */
  readonly token: string | null;
  /** Ids it was sent under (hex), in order; a new one only if the one before was surely not applied. */
  readonly ids: string[];
  /** Its client chose the id, and asks again while it does not know what became of it. */
  readonly key: Uint8Array | null;
  /** How often its client has asked again, after as many requests of which it learned nothing. */
  repeats: number;
}

/** `abandoned`: its client stopped waiting, or its gateway is gone. */
export type Completion =
  | { readonly kind: "write"; readonly outcome: WriteOutcome }
  | { readonly kind: "read"; readonly outcome: ReadOutcome | ReadTxnOutcome }
  | { readonly kind: "hash"; readonly outcome: Awaited<ReturnType<typeof hashHistory>> }
  | { readonly kind: "move"; readonly outcome: QueryOutcome }
  | { readonly kind: "keep-alive"; readonly outcome: QueryOutcome }
  | { readonly kind: "abandoned" };
