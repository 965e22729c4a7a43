import { create, fromBinary } from "@bufbuild/protobuf";
import {
  type DeleteRangeRequest,
  DeleteRangeRequestSchema,
  type DeleteRangeResponse,
  DeleteRangeResponseSchema,
} from "../../../../src/wire/gen/etcd/rpc_pb.ts";
import type { NaiveStore } from "../naive-store.ts";
import { ALL_KEYS, drawKey, type WriteKind } from "./operation-kind.ts";
import { pairOf } from "./pair.ts";

export const DELETE_RANGE: WriteKind = {
  name: "delete",
  weight: 2,
  requestCase: "deleteRange",
  draw(context) {
    const prevKv = context.random.chance(0.3);
    const value = context.random.chance(0.1)
      ? create(DeleteRangeRequestSchema, { ...ALL_KEYS, prevKv })
      : create(DeleteRangeRequestSchema, { key: drawKey(context), prevKv });
    return { kind: "write", request: { case: "deleteRange", value } };
  },
  execute(store, request) {
    if (request.case !== "deleteRange") throw new Error("not a deletion");
    return { kind: "applied", answer: executeDelete(store, request.value) };
  },
  decode: (response) => deleteAnswer(fromBinary(DeleteRangeResponseSchema, response)),
};

export function executeDelete(store: NaiveStore, request: DeleteRangeRequest): unknown {
  const pairs = store.span(request.key, request.rangeEnd);
  for (const { key } of pairs) store.write(key, null);
  return { deleted: pairs.length, previous: request.prevKv ? pairs : [] };
}

export function deleteAnswer({ deleted, prevKvs }: DeleteRangeResponse): unknown {
  return { deleted: Number(deleted), previous: prevKvs.map(pairOf) };
}
