/** A client's Watch stream: its requests in, answers of all its watches out, whatever becomes of gateways. */
import { create } from "@bufbuild/protobuf";
import {
  type ResponseHeader,
  type WatchCreateRequest,
  type WatchRequest,
  type WatchResponse,
  WatchResponseSchema,
} from "../../../src/wire/gen/etcd/rpc_pb.ts";
import { MessageQueue } from "../message-queue.ts";
import type { RelayedWatch } from "./relayed-watch.ts";
import { type LegParts, WatchLeg } from "./watch-leg.ts";

/** Half of what a gateway takes in one stream. */
const LEG_WATCHES_MAX = 512;
/** Watches that may be asked for at once, and questions how far all were told. */
const PENDING_MAX = 256;
const QUESTIONS_MAX = 64;
const DUPLICATE_ID = "mvcc: duplicate watch ID provided on the WatchStream";
const NO_WATCH = -1n;

export interface RelayParts {
  readonly open: LegParts["open"];
  readonly needsLeader: boolean;
}

interface Place {
  readonly watch: RelayedWatch;
  readonly leg: WatchLeg;
}

export class WatchRelay {
  readonly #parts: RelayParts;
  readonly #answers = new MessageQueue<WatchResponse>();
  readonly #legs: WatchLeg[] = [];
  /** By the client's names; those without one yet are not here. */
  readonly #places = new Map<bigint, Place>();
  #questions = 0;
  #nextId = 0n;
  #header: ResponseHeader | undefined;

  constructor(parts: RelayParts) {
    this.#parts = parts;
  }

  /** `signal`: the client has gone. */
  async *answers(
    requests: AsyncIterable<WatchRequest>,
    signal: AbortSignal,
  ): AsyncGenerator<WatchResponse, void> {
    const gone = (): void => this.#answers.abandon();
    signal.addEventListener("abort", gone);
    this.#readAll(requests).catch((error: unknown) => this.#fail(error));
    try {
      if (!signal.aborted) yield* this.#answers.messages();
    } finally {
      signal.removeEventListener("abort", gone);
      for (const leg of this.#legs) leg.close();
    }
  }

  /** The end of the requests does not end the stream, as in etcd. */
  async #readAll(requests: AsyncIterable<WatchRequest>): Promise<void> {
    for await (const { requestUnion } of requests) {
      switch (requestUnion.case) {
        case "createRequest":
          await this.#create(requestUnion.value);
          break;
        case "cancelRequest":
          this.#cancel(requestUnion.value.watchId);
          break;
        case "progressRequest":
          // Not waited for: a watch that lags must not keep others from being created.
          if (this.#questions < QUESTIONS_MAX) {
            this.#askProgress().catch((error: unknown) => this.#fail(error));
          }
          break;
        case undefined:
          break;
      }
    }
  }

  async #create(request: WatchCreateRequest): Promise<void> {
    if (request.watchId !== 0n && this.#places.has(request.watchId)) {
      // Answers come in the order of the requests.
      await this.#lastLeg().settled();
      const content = { watchId: NO_WATCH, created: true, canceled: true, cancelReason: DUPLICATE_ID };
      const response = create(WatchResponseSchema, content);
      if (this.#header !== undefined) response.header = this.#header;
      await this.#answers.put(response);
      return;
    }
    let leg = this.#lastLeg();
    if (leg.pending >= PENDING_MAX) await leg.settled();
    if (leg.size >= LEG_WATCHES_MAX) {
      await leg.settled();
      leg = this.#legs.find(({ size }) => size < LEG_WATCHES_MAX) ?? this.#addLeg();
    }
    const watch = leg.create(request);
    if (request.watchId !== 0n) this.#places.set(request.watchId, { watch, leg });
  }

  /** One that nobody knows is no error. */
  #cancel(id: bigint): void {
    const place = this.#places.get(id);
    if (place !== undefined && !place.watch.isCancelled) place.leg.cancel(place.watch);
  }

  /** The answer holds for every watch of the stream. */
  async #askProgress(): Promise<void> {
    const legs = this.#legs.length === 0 ? [this.#addLeg()] : this.#legs;
    this.#questions += 1;
    const headers = await Promise.all(legs.map((leg) => leg.progress()));
    this.#questions -= 1;
    const header = headers.reduce((least, next) => (isBelow(next, least) ? next : least));
    const response = create(WatchResponseSchema, { watchId: NO_WATCH });
    if (header !== undefined) response.header = header;
    await this.#answers.put(response);
  }

  #lastLeg(): WatchLeg {
    return this.#legs.at(-1) ?? this.#addLeg();
  }

  #addLeg(): WatchLeg {
    const leg: WatchLeg = new WatchLeg({
      ...this.#parts,
      deliver: (response) => this.#deliver(response),
      name: (watch) => {
        if (watch.clientId === 0n) watch.clientId = this.#freeId();
        this.#places.set(watch.clientId, { watch, leg });
      },
      forget: (watch) => {
        if (this.#places.get(watch.clientId)?.watch === watch) this.#places.delete(watch.clientId);
      },
    });
    this.#legs.push(leg);
    leg.run().catch((error: unknown) => this.#fail(error));
    return leg;
  }

  #deliver(response: WatchResponse): Promise<void> {
    this.#header = response.header;
    return this.#answers.put(response);
  }

  #freeId(): bigint {
    while (this.#places.has(this.#nextId)) this.#nextId += 1n;
    this.#nextId += 1n;
    return this.#nextId - 1n;
  }

  #fail(error: unknown): void {
    this.#answers.end(error instanceof Error ? error : new Error(String(error)));
  }
}

function isBelow(header: ResponseHeader | undefined, other: ResponseHeader | undefined): boolean {
  return (header?.revision ?? 0n) < (other?.revision ?? 0n);
}
