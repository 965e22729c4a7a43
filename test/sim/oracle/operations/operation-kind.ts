/**
 * One kind of operation: how clients make it up, what it does to the naive store, and how its answer
 * reads. A new operation is one file like its neighbours, named in all.ts.
 */
import type { Prng } from "../../../../src/base/prng.ts";
import type { RangeCall } from "../../../../src/engine/replica-api.ts";
import type { CommandRequest } from "../../../../src/gateway/commands.ts";
import type { RangeRequest, TxnRequest } from "../../../../src/wire/gen/etcd/rpc_pb.ts";
import { utf8 } from "../../../../src/wire/text.ts";
import type { NaiveStore } from "../naive-store.ts";

/** What a client knows when it makes up an operation. */
export interface DrawContext {
  readonly random: Prng;
  readonly keys: number;
  /** As whom this client signs in. */
  readonly user: string;
  /** Whether clients of this run know leases. */
  readonly usesLeases: boolean;
  /** Unique in the run: written values tell who wrote them. */
  readonly number: number;
  /** The highest revision this client has seen. */
  readonly revision: number;
  /** The newest mod revision this client saw of a key, or 0. */
  readonly modRevision: (key: string) => number;
}

export type ReadRequest =
  | { readonly case: "range"; readonly value: RangeRequest }
  | { readonly case: "txn"; readonly value: TxnRequest };

export type PlannedOperation =
  | { readonly kind: "write"; readonly request: CommandRequest }
  | {
      readonly kind: "read";
      readonly request: ReadRequest;
      readonly consistency: RangeCall["consistency"];
      /** How old the answer may be. */
      readonly maxStalenessMs?: number;
      readonly minRevision: number;
    }
  /** A hash of history up to a revision; 0 for all. */
  | { readonly kind: "hash"; readonly revision: number }
  | { readonly kind: "move"; readonly target: bigint }
  | { readonly kind: "keep-alive"; readonly lease: bigint };

/** What the naive store makes of an operation. `answer` is plain data, compared as JSON. */
export type Expected =
  | { readonly kind: "applied"; readonly answer: unknown }
  | { readonly kind: "rejected"; readonly error: string };

export interface OperationKind {
  readonly name: string;
  /** How often clients choose it, relative to the others. */
  readonly weight: number;
  draw(context: DrawContext): PlannedOperation;
}

export interface WriteKind extends OperationKind {
  readonly requestCase: CommandRequest["case"];
  /** Runs a request of `requestCase`. The caller ends the command. */
  execute(store: NaiveStore, request: CommandRequest): Expected;
  /** The encoded answer in the terms of `Expected.answer`. */
  decode(response: Uint8Array): unknown;
}

export interface ReadKind extends OperationKind {
  /** What the store at `revision` (with `compactRevision`) answers. */
  expect(store: NaiveStore, request: ReadRequest, revision: number, compactRevision: number): Expected;
  /** The encoded answer in the terms of `Expected.answer`. */
  decode(response: Uint8Array): unknown;
}

export function drawKey({ random, keys }: DrawContext): Uint8Array {
  return utf8(`k${random.below(keys)}`);
}

/** Values of many sizes, each unique by the operation's number. */
export function drawValue({ random, number }: DrawContext): Uint8Array {
  return utf8(`v${number}${".".repeat(random.chance(0.1) ? random.below(600) : random.below(12))}`);
}

export const ALL_KEYS = { key: utf8("k"), rangeEnd: utf8("l") };
