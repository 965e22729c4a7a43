/**
 * Places in a queue, which is what locks and elections are: a key for each candidate below a common
 * name, whose order is that of their create revisions, and each waits for those before it to go.
 * The same keys, compares and order as etcd's concurrency package, so that both may be used together.
 */
import { create } from "@bufbuild/protobuf";
import { prefixEnd } from "../../../base/bytes.ts";
import { err, ok, type Result } from "../../../base/result.ts";
import type { ReplicaHeader } from "../../../engine/replica-api.ts";
import type { KeyValue } from "../../../wire/gen/etcd/kv_pb.ts";
import {
  Compare_CompareResult,
  Compare_CompareTarget,
  CompareSchema,
  type RangeRequest,
  RangeRequest_SortOrder,
  RangeRequest_SortTarget,
  RangeRequestSchema,
  type RangeResponse,
  type RequestOp,
  RequestOpSchema,
  type ResponseHeader,
  type TxnRequest,
  TxnRequestSchema,
  type TxnResponse,
} from "../../../wire/gen/etcd/rpc_pb.ts";
import type { V3Call, V3Outcome } from "../call.ts";
import { txn } from "../kv.ts";
import { refused, unansweredRequest, type V3Refusal } from "../refusal.ts";
import type { ChangeWaiter } from "./change-waiter.ts";
import { asUnknown, givenUp, innerCall } from "./inner-call.ts";
import { candidateKey, namePrefix } from "./keys.ts";
import { keepSession, type Session } from "./session.ts";

/** A candidate's place. Its create revision is what fences: later holders have higher ones. */
export interface Candidacy {
  readonly name: Uint8Array;
  readonly key: Uint8Array;
  readonly createRevision: bigint;
  readonly session: Session;
}

/** An answer's header, and where it came from. */
export interface Told {
  readonly header: ResponseHeader | undefined;
  readonly origin: ReplicaHeader;
}

export interface Entered extends Told {
  readonly candidacy: Candidacy;
  /** What the key held already; null if it was written now. */
  readonly present: KeyValue | null;
}

/** Takes a place, or finds the one that the lease has already. */
export async function enter(
  call: V3Call<unknown>,
  name: Uint8Array,
  session: Session,
  value: Uint8Array,
): Promise<Result<Entered, V3Refusal>> {
  const key = candidateKey(name, session.lease);
  const put = create(RequestOpSchema, {
    request: { case: "requestPut", value: { key, value, lease: session.lease } },
  });
  const outcome = await runTxn(call, {
    compare: [createdAt(key, 0n)],
    success: [put],
    failure: [rangeOp({ key })],
  });
  if (outcome.kind === "refused") return err(outcome);
  const { message, origin } = outcome;
  const present = message.succeeded ? null : (firstOf(message, 0) ?? null);
  const createRevision = present?.createRevision ?? message.header?.revision ?? 0n;
  const candidacy = { name, key, createRevision, session };
  return ok({ candidacy, present, header: message.header, origin });
}

/**
 * Waits until nobody is before the candidate, and sees to it that its own key, and so its lease, is
 * still there at that same moment: etcd 3.4 does not, and hands a lock to whom it has expired.
 */
export async function awaitTurn(
  call: V3Call<unknown>,
  candidacy: Candidacy,
  waiter: ChangeWaiter,
  expiredText: string,
  waits: () => void,
): Promise<Result<Told, V3Refusal>> {
  const { name, key, createRevision, session } = candidacy;
  const before = {
    ...below(namePrefix(name)),
    sortTarget: RangeRequest_SortTarget.CREATE,
    sortOrder: RangeRequest_SortOrder.DESCEND,
    // The empty store has revision 1: this is never 0, which would mean everybody.
    maxCreateRevision: createRevision - 1n,
    limit: 1n,
    keysOnly: true,
  };
  for (;;) {
    const outcome = await runTxn(call, { success: [rangeOp({ key, keysOnly: true }), rangeOp(before)] });
    if (outcome.kind === "refused") return err(outcome);
    const { message, origin } = outcome;
    if (firstOf(message, 0)?.createRevision !== createRevision)
      return err(asUnknown(refused(2, expiredText)));
    const predecessor = firstOf(message, 1);
    if (predecessor === undefined) return ok({ header: message.header, origin });
    waits();
    const wanted = [predecessor.key, key].map((each) => ({ kind: "deleted", key: each }) as const);
    let revision = Number(message.header?.revision ?? 0n) + 1;
    for (let isWaiting = true; isWaiting; ) {
      const waited = await waiter.wait(wanted, revision);
      switch (waited.kind) {
        case "nothing":
          revision = waited.revision;
          await keepSession(call, session);
          break;
        case "failed":
          return err(unansweredRequest(waited.failure, call.hasDeadline));
        case "over":
          return err(givenUp());
        case "events":
        case "unseen":
          isWaiting = false;
      }
    }
  }
}

/** Gives the place up, if it is still the same one. */
export function leave(
  call: V3Call<unknown>,
  { key, createRevision }: Pick<Candidacy, "key" | "createRevision">,
): Promise<V3Outcome<TxnResponse>> {
  const deletion = create(RequestOpSchema, { request: { case: "requestDeleteRange", value: { key } } });
  return runTxn(call, { compare: [createdAt(key, createRevision)], success: [deletion] });
}

/** Writes another value, if the place is still the same one. Without a lease it keeps the one that it has. */
export function rewrite(
  call: V3Call<unknown>,
  { key, createRevision, session }: Pick<Candidacy, "key" | "createRevision" | "session">,
  value: Uint8Array,
): Promise<V3Outcome<TxnResponse>> {
  const put = create(RequestOpSchema, {
    request: {
      case: "requestPut",
      value: { key, value, lease: session.lease, ignoreLease: session.lease === 0n },
    },
  });
  return runTxn(call, { compare: [createdAt(key, createRevision)], success: [put] });
}

/** Asks for whoever has been there longest. */
export function firstRequest(name: Uint8Array): RangeRequest {
  return create(RangeRequestSchema, {
    ...below(namePrefix(name)),
    sortTarget: RangeRequest_SortTarget.CREATE,
    sortOrder: RangeRequest_SortOrder.ASCEND,
    limit: 1n,
  });
}

async function runTxn(
  call: V3Call<unknown>,
  request: { [Field in "compare" | "success" | "failure"]?: TxnRequest[Field] },
): Promise<V3Outcome<TxnResponse>> {
  const outcome = await txn(innerCall(call, create(TxnRequestSchema, request)));
  return outcome.kind === "refused" ? asUnknown(outcome) : outcome;
}

function createdAt(key: Uint8Array, revision: bigint) {
  return create(CompareSchema, {
    key,
    target: Compare_CompareTarget.CREATE,
    result: Compare_CompareResult.EQUAL,
    targetUnion: { case: "createRevision", value: revision },
  });
}

function rangeOp(value: Partial<Omit<RangeRequest, "$typeName" | "$unknown">>): RequestOp {
  return create(RequestOpSchema, {
    request: { case: "requestRange", value: create(RangeRequestSchema, value) },
  });
}

function below(prefix: Uint8Array): { readonly key: Uint8Array; readonly rangeEnd: Uint8Array } {
  return { key: prefix, rangeEnd: prefixEnd(prefix) };
}

/** The first pair of the answer to a transaction's read. */
function firstOf({ responses }: TxnResponse, position: number): KeyValue | undefined {
  const response = responses[position]?.response;
  const range: RangeResponse | null = response?.case === "responseRange" ? response.value : null;
  return range?.kvs[0];
}
