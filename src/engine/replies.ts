/** From what became of an operation to what its caller is told. */
import { toBinary } from "@bufbuild/protobuf";
import { assertNever } from "../base/assert.ts";
import type { Result } from "../base/result.ts";
import type { RangePage } from "../mvcc/range-page.ts";
import type { ErrorKey } from "../wire/errors.ts";
import { RangeResponseSchema, type TxnResponse, TxnResponseSchema } from "../wire/gen/etcd/rpc_pb.ts";
import type { ProposalFate } from "./proposals.ts";
import type { QueryResult } from "./query-result.ts";
import type { ReadFate } from "./reads.ts";
import type {
  ProposeReply,
  QueryReply,
  RangeReply,
  ReadTxnReply,
  ReplicaHeader,
  Unavailable,
} from "./replica-api.ts";

export function unavailable(
  reason: Unavailable["reason"],
  message: string,
  header: ReplicaHeader | null,
  unknownOutcome = false,
): Unavailable {
  return { kind: "unavailable", reason, message, unknownOutcome, header };
}

export function proposeReply(fate: ProposalFate, header: ReplicaHeader): ProposeReply {
  switch (fate.kind) {
    case "outcome":
      return outcomeReply(fate, header);
    case "lost":
      return unavailable(
        "not-leader",
        `${header.member} lost the leadership before the write was in its log`,
        header,
      );
    case "expired":
      return unavailable("timeout", "the write waited too long to enter the log; it was not applied", header);
    case "unknown":
      return unavailable(
        "timeout",
        "no quorum confirmed the write in time; it may still be applied",
        header,
        true,
      );
    default:
      return assertNever(fate, "proposal fate");
  }
}

function outcomeReply(fate: ProposalFate & { kind: "outcome" }, current: ReplicaHeader): ProposeReply {
  const { outcome, index } = fate;
  const header = { ...current, revision: outcome.revision };
  switch (outcome.kind) {
    case "applied":
      return { kind: "applied", header, index, response: outcome.response, complete: outcome.complete };
    case "rejected":
      return { kind: "rejected", error: outcome.error, header };
    case "superseded":
      return unavailable(
        "superseded",
        "the operation id is older than the memory of operations: whether it was applied cannot be told",
        header,
        true,
      );
    default:
      return assertNever(outcome, "apply outcome");
  }
}

export function rangeReply(result: Result<RangePage, ErrorKey>, header: ReplicaHeader): RangeReply {
  if (!result.ok) return { kind: "rejected", error: result.error, header };
  const { response, next } = result.value;
  const bytes = toBinary(RangeResponseSchema, response);
  return { kind: "range", header, response: bytes, ...(next === null ? {} : { next }) };
}

export function readTxnReply(result: Result<TxnResponse, ErrorKey>, header: ReplicaHeader): ReadTxnReply {
  if (!result.ok) return { kind: "rejected", error: result.error, header };
  return { kind: "txn", header, response: toBinary(TxnResponseSchema, result.value) };
}

export function queryReply(result: QueryResult, header: ReplicaHeader): QueryReply {
  if (!result.ok) return { kind: "rejected", error: result.error, header };
  return { kind: "answer", header, response: result.value };
}

export function readRefusal(fate: Exclude<ReadFate, { kind: "ready" }>, header: ReplicaHeader): Unavailable {
  switch (fate.kind) {
    case "no-leader":
      return unavailable("no-leader", "no leader confirmed the read; ask again", header);
    case "expired":
      return unavailable("timeout", "the read could not be confirmed in time", header);
    default:
      return assertNever(fate, "read fate");
  }
}
