import { create, fromBinary } from "@bufbuild/protobuf";
import { toHex } from "../../../../src/base/bytes.ts";
import {
  type PutRequest,
  PutRequestSchema,
  type PutResponse,
  PutResponseSchema,
} from "../../../../src/wire/gen/etcd/rpc_pb.ts";
import type { NaiveStore } from "../naive-store.ts";
import { drawLease } from "./lease.ts";
import { drawKey, drawValue, type WriteKind } from "./operation-kind.ts";
import { pairOf } from "./pair.ts";

export const PUT: WriteKind = {
  name: "put",
  weight: 6,
  requestCase: "put",
  draw(context) {
    const value = create(PutRequestSchema, {
      key: drawKey(context),
      value: drawValue(context),
      prevKv: context.random.chance(0.3),
      lease: context.usesLeases && context.random.chance(0.4) ? drawLease(context) : 0n,
    });
    return { kind: "write", request: { case: "put", value } };
  },
  execute(store, request) {
    if (request.case !== "put") throw new Error("not a put");
    const { lease } = request.value;
    if (lease !== 0n && !store.leases.has(lease)) return { kind: "rejected", error: "leaseNotFound" };
    return { kind: "applied", answer: executePut(store, request.value) };
  },
  decode: (response) => putAnswer(fromBinary(PutResponseSchema, response)),
};

export function executePut(store: NaiveStore, request: PutRequest): unknown {
  const key = toHex(request.key);
  const before = store.live(key);
  store.write(key, toHex(request.value), request.lease);
  return { previous: request.prevKv ? before : null };
}

export function putAnswer({ prevKv }: PutResponse): unknown {
  return { previous: prevKv === undefined ? null : pairOf(prevKv) };
}
