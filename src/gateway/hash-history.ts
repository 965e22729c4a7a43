/** The hash over one replica's history, asked for slice by slice so that no call is long. */
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import type { Rejected, ReplicaHeader } from "../engine/replica-api.ts";
import { type HashSlice, HashSliceSchema, QuerySchema } from "../wire/gen/edged_pb.ts";
import type { LeaderRouter, RouteChoice, RouteFailure } from "./leader-router.ts";

export interface HashedHistory {
  readonly kind: "hashed";
  readonly header: ReplicaHeader;
  /** 32 bits. */
  readonly hash: number;
  /** What the hash is of: history from after the compaction to this revision. */
  readonly revision: number;
  readonly compactRevision: number;
}

/** Compactions meanwhile after which the hash is given up. */
const RESTARTS_MAX = 3;

/** `revision` 0 is the replica's newest. Errors: compacted, futureRevision. */
export async function hashHistory(
  router: LeaderRouter,
  choice: RouteChoice,
  revision: bigint,
): Promise<HashedHistory | Rejected | RouteFailure> {
  const begin = create(HashSliceSchema, { revision });
  let slice: HashSlice = begin;
  let asked = choice;
  let consistency: "serializable" | "linearizable" = "serializable";
  for (let restarts = 0; ; ) {
    const query = create(QuerySchema, { request: { case: "hashSlice", value: slice } });
    const outcome = await router.query(asked, {
      request: toBinary(QuerySchema, query),
      consistency,
      minRevision: 0,
    });
    if (outcome.kind === "answer" && outcome.header.term === 0) {
      // A cluster that was just made: what it answers counts once it has a leader.
      consistency = "linearizable";
    } else if (outcome.kind === "answer") {
      slice = fromBinary(HashSliceSchema, outcome.response);
      if (slice.done) return hashed(slice, outcome.header);
      // The others may have another history by now.
      asked = { ...choice, pin: outcome.header.member };
    } else {
      const isOvertaken = slice.begun && outcome.kind === "rejected" && outcome.error === "compacted";
      if (!isOvertaken || restarts === RESTARTS_MAX) return outcome;
      restarts += 1;
      slice = begin;
    }
  }
}

function hashed({ low, high, revision, compactRevision }: HashSlice, header: ReplicaHeader): HashedHistory {
  return {
    kind: "hashed",
    header,
    hash: (low ^ high) >>> 0,
    revision: Number(revision),
    compactRevision: Number(compactRevision),
  };
}
