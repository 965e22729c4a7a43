/** A range answer page by page, all of one revision, so that nobody holds more than one page. */
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import type { Rejected, ReplicaHeader } from "../engine/replica-api.ts";
import {
  type RangeRequest,
  RangeRequestSchema,
  type RangeResponse,
  RangeResponseSchema,
} from "../wire/gen/etcd/rpc_pb.ts";
import type { LeaderRouter, RouteChoice, RouteFailure } from "./leader-router.ts";

export interface Page {
  readonly kind: "page";
  readonly header: ReplicaHeader;
  readonly response: RangeResponse;
  readonly isLast: boolean;
}

export class RangePages {
  readonly #router: LeaderRouter;
  readonly #choice: RouteChoice;
  readonly #request: RangeRequest;
  #from: Uint8Array;
  /** Of the first page: the others are read at this revision too. */
  #revision: bigint | null = null;
  #left: bigint;

  constructor(router: LeaderRouter, choice: RouteChoice, request: RangeRequest) {
    this.#router = router;
    this.#choice = choice;
    this.#request = request;
    this.#from = request.key;
    this.#left = request.limit;
  }

  /** The next page; not to be called after the last one. */
  async next(): Promise<Page | Rejected | RouteFailure> {
    const request = this.#request;
    const revision = this.#revision;
    const consistency = request.serializable || revision !== null ? "serializable" : "linearizable";
    const outcome = await this.#router.range(this.#choice, {
      request: toBinary(
        RangeRequestSchema,
        create(RangeRequestSchema, {
          ...request,
          key: this.#from,
          limit: this.#left,
          revision: request.revision > 0n ? request.revision : (revision ?? 0n),
        }),
      ),
      consistency,
      // Another replica may be behind the one that began.
      minRevision: Number(revision ?? 0n),
      paged: true,
    });
    if (outcome.kind !== "range") return outcome;
    const response = fromBinary(RangeResponseSchema, outcome.response);
    this.#revision ??= response.header?.revision ?? BigInt(outcome.header.revision);
    // A page is cut only while something is left of the limit.
    if (this.#left > 0n) this.#left -= BigInt(response.kvs.length);
    if (outcome.next !== undefined) this.#from = outcome.next;
    return { kind: "page", header: outcome.header, response, isLast: outcome.next === undefined };
  }
}
