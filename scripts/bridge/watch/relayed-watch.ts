/** One watch of a client, and how far it was told: enough to ask for the rest somewhere else. */
import { create } from "@bufbuild/protobuf";
import type { Event } from "../../../src/wire/gen/etcd/kv_pb.ts";
import {
  type WatchCreateRequest,
  WatchCreateRequestSchema,
  type WatchResponse,
} from "../../../src/wire/gen/etcd/rpc_pb.ts";

export class RelayedWatch {
  /** Its name between bridge and gateway. */
  readonly upstreamId: bigint;
  readonly #request: WatchCreateRequest;
  /** Its name for the client, once it was created; before that the one that the client asks for. */
  clientId: bigint;
  isCreated = false;
  /** The client wants it to end; only the answer is missing. */
  isCancelled = false;
  /** The first revision that was not told, or not wholly; 0 while that is "from now on". */
  #next: bigint;
  /** Events of revision `#next` that were told already, in fragments. */
  #toldOfNext = 0;
  /** Of those, how many the new stream tells once more. */
  #repeated = 0;

  constructor(upstreamId: bigint, request: WatchCreateRequest) {
    this.upstreamId = upstreamId;
    this.#request = request;
    this.clientId = request.watchId;
    this.#next = request.startRevision > 0n ? request.startRevision : 0n;
  }

  get wantsProgress(): boolean {
    return this.#request.progressNotify;
  }

  /** What asks a gateway for the rest. */
  creation(): WatchCreateRequest {
    this.#repeated = this.#toldOfNext;
    return create(WatchCreateRequestSchema, {
      ...this.#request,
      watchId: this.upstreamId,
      startRevision: this.#next,
    });
  }

  created(revision: bigint): void {
    this.isCreated = true;
    if (this.#next === 0n) this.#next = revision + 1n;
  }

  /** Notes what `response` tells, and answers its events without those that were told before. */
  take({ events, fragment, header }: WatchResponse): Event[] {
    const last = events.at(-1)?.kv?.modRevision;
    if (last === undefined) {
      // A bookmark: everything up to it was told.
      const revision = header?.revision ?? 0n;
      if (revision >= this.#next && this.#next > 0n) this.#moveTo(revision + 1n);
      return [];
    }
    let position = 0;
    while (this.#repeated > 0 && events[position]?.kv?.modRevision === this.#next) {
      this.#repeated -= 1;
      position += 1;
    }
    if (!fragment) this.#moveTo(last + 1n);
    else {
      if (last > this.#next) this.#moveTo(last);
      this.#toldOfNext += events.slice(position).filter(({ kv }) => kv?.modRevision === last).length;
    }
    return events.slice(position);
  }

  #moveTo(revision: bigint): void {
    this.#next = revision;
    this.#toldOfNext = 0;
    this.#repeated = 0;
  }
}
