/** Messages of etcd's Watch service. */
import { create, fromBinary } from "@bufbuild/protobuf";
import type { ReplicaHeader, WatchEvent } from "../../engine/replica-api.ts";
import { type Event, EventSchema, KeyValueSchema } from "../../wire/gen/etcd/kv_pb.ts";
import {
  type ResponseHeader,
  ResponseHeaderSchema,
  type WatchResponse,
  WatchResponseSchema,
} from "../../wire/gen/etcd/rpc_pb.ts";

/** Of messages that belong to no watch. */
export const NO_WATCH = -1n;

type Content = Partial<
  Pick<
    WatchResponse,
    "watchId" | "created" | "canceled" | "compactRevision" | "cancelReason" | "fragment" | "events"
  >
>;

/** A message at `revision`; 0: it tells none. */
export function watchResponse(origin: ReplicaHeader, revision: number, content: Content): WatchResponse {
  const { created = false, canceled = false, fragment = false, events = [] } = content;
  const { watchId = 0n, compactRevision = 0n, cancelReason = "" } = content;
  const header = headerOf(origin, revision);
  return create(WatchResponseSchema, {
    header,
    watchId,
    created,
    canceled,
    compactRevision,
    cancelReason,
    fragment,
    events,
  });
}

function headerOf(origin: ReplicaHeader, revision: number): ResponseHeader {
  return create(ResponseHeaderSchema, {
    clusterId: BigInt(`0x${origin.clusterId}`),
    memberId: BigInt(`0x${origin.memberId}`),
    revision: BigInt(revision),
    raftTerm: BigInt(origin.term),
  });
}

export function eventOf({ event, prevKv }: WatchEvent, withPrevKv: boolean): Event {
  const decoded = fromBinary(EventSchema, event);
  if (withPrevKv && prevKv !== null) decoded.prevKv = fromBinary(KeyValueSchema, prevKv);
  return decoded;
}

/** Events by revision, in their order. */
export function byRevision(events: readonly WatchEvent[]): readonly (readonly WatchEvent[])[] {
  const groups: WatchEvent[][] = [];
  for (const event of events) {
    const last = groups.at(-1);
    if (last?.[0]?.at.revision === event.at.revision) last.push(event);
    else groups.push([event]);
  }
  return groups;
}
