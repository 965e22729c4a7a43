import { create, fromBinary } from "@bufbuild/protobuf";
import {
  type RangeRequest,
  RangeRequestSchema,
  type RangeResponse,
  RangeResponseSchema,
} from "../../../../src/wire/gen/etcd/rpc_pb.ts";
import type { NaiveStore } from "../naive-store.ts";
import { ALL_KEYS, drawKey, type Expected, type ReadKind } from "./operation-kind.ts";
import { pairOf } from "./pair.ts";

export const RANGE: ReadKind = {
  name: "range",
  weight: 5,
  draw(context) {
    const { random, revision } = context;
    const span = random.chance(0.4) ? ALL_KEYS : { key: drawKey(context) };
    const past = random.chance(0.15) ? Math.max(1, revision + 2 - random.below(20)) : 0;
    const request = create(RangeRequestSchema, {
      ...span,
      revision: BigInt(past),
      limit: BigInt(random.chance(0.2) ? 1 + random.below(3) : 0),
    });
    const linearizable = random.chance(0.7);
    return {
      kind: "read",
      request: { case: "range", value: request },
      consistency: linearizable ? "linearizable" : "serializable",
      minRevision: random.chance(0.2) ? revision : 0,
    };
  },
  expect(store, request, revision, compactRevision) {
    if (request.case !== "range") throw new Error("not a range");
    return expectRange(store, request.value, revision, compactRevision);
  },
  decode: (response) => rangeAnswer(fromBinary(RangeResponseSchema, response)),
};

/** What the store at `revision` (with `compactRevision`) answers. */
export function expectRange(
  store: NaiveStore,
  request: RangeRequest,
  revision: number,
  compactRevision: number,
): Expected {
  const asked = Number(request.revision);
  if (asked > revision) return { kind: "rejected", error: "futureRevision" };
  if (asked > 0 && asked < compactRevision) return { kind: "rejected", error: "compacted" };
  const pairs = store.span(request.key, request.rangeEnd, asked > 0 ? asked : revision);
  const limit = request.limit > 0n && request.rangeEnd.length > 0 ? Number(request.limit) : pairs.length;
  return {
    kind: "applied",
    answer: { count: pairs.length, more: pairs.length > limit, pairs: pairs.slice(0, limit) },
  };
}

export function rangeAnswer({ count, more, kvs }: RangeResponse): unknown {
  return { count: Number(count), more, pairs: kvs.map(pairOf) };
}
