/**
 * A stream to a gateway that carries some of a client's watches. When it breaks, another one asks for
 * the rest of each.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import {
  type ResponseHeader,
  type WatchCreateRequest,
  type WatchRequest,
  WatchRequestSchema,
  type WatchResponse,
  WatchResponseSchema,
} from "../../../src/wire/gen/etcd/rpc_pb.ts";
import { MessageQueue } from "../message-queue.ts";
import { RelayedWatch } from "./relayed-watch.ts";

const PAUSE_MS_MIN = 50;
const PAUSE_MS_MAX = 1_000;
/** A gateway says something each 40 seconds; a stream that is silent for so long is dead. */
const SILENCE_MS_MAX = 95_000;
/** Errors inside of gateways are heard by clients when they last for so long. */
const HOPE_MS_MAX = 10_000;
/** Whoever asked for a leader hears after this long that there is none. */
const LEADERLESS_MS_MAX = 10_000;
const NO_WATCH = -1n;

type Asked = Exclude<MessageInitShape<typeof WatchRequestSchema>, WatchRequest>["requestUnion"] & object;

export interface LegParts {
  /** Opens a stream to a gateway, each time to the one that is best now. */
  readonly open: (requests: AsyncIterable<WatchRequest>, signal: AbortSignal) => AsyncIterable<WatchResponse>;
  /** Passes an answer on; resolves when the client has taken it. */
  readonly deliver: (response: WatchResponse) => Promise<void>;
  /** The watch was created: it has its name for the client from now on. */
  readonly name: (watch: RelayedWatch) => void;
  /** The watch is over and its name free. */
  readonly forget: (watch: RelayedWatch) => void;
  /** The client asked for streams with a leader only. */
  readonly needsLeader: boolean;
}

export class WatchLeg {
  readonly #parts: LegParts;
  readonly #watches = new Map<bigint, RelayedWatch>();
  /** Asked for and not answered, in the order of asking. */
  #creating: RelayedWatch[] = [];
  #settled: (() => void)[] = [];
  /** Who asked how far the watches were told, in the order of asking. */
  #asking: ((header: ResponseHeader | undefined) => void)[] = [];
  #outgoing: MessageQueue<WatchRequest> | null = null;
  #nextId = 1n;
  #header: ResponseHeader | undefined;
  readonly #closed = new AbortController();

  constructor(parts: LegParts) {
    this.#parts = parts;
  }

  get size(): number {
    return this.#watches.size;
  }

  /** Watches that are asked for and not yet created. */
  get pending(): number {
    return this.#creating.length;
  }

  create(request: WatchCreateRequest): RelayedWatch {
    const watch = new RelayedWatch(this.#nextId, request);
    this.#nextId += 1n;
    this.#watches.set(watch.upstreamId, watch);
    this.#ask(watch);
    return watch;
  }

  cancel(watch: RelayedWatch): void {
    watch.isCancelled = true;
    this.#send({ case: "cancelRequest", value: { watchId: watch.upstreamId } });
  }

  /** Resolves with where the store stood when every watch of this leg had been told everything. */
  progress(): Promise<ResponseHeader | undefined> {
    return new Promise((told) => {
      this.#asking.push(told);
      this.#send({ case: "progressRequest", value: {} });
    });
  }

  /** Resolves when every watch that was asked for is created or refused. */
  settled(): Promise<void> {
    if (this.#creating.length === 0 || this.#closed.signal.aborted) return Promise.resolve();
    return new Promise((settled) => this.#settled.push(settled));
  }

  close(): void {
    this.#closed.abort();
    this.#outgoing?.abandon();
    for (const settled of this.#settled.splice(0)) settled();
  }

  /** Carries its watches until it is closed; throws what the client has to hear. */
  async run(): Promise<void> {
    let pauseMs = PAUSE_MS_MIN;
    let heardMs = performance.now();
    while (!this.#closed.signal.aborted) {
      const before = performance.now();
      try {
        await this.#carry();
      } catch (error) {
        if (this.#closed.signal.aborted) return;
        const hope = hopeOf(error);
        const isLate = performance.now() - heardMs > HOPE_MS_MAX;
        if (hope === "never" || (hope === "soon" && isLate)) throw error;
      }
      // A stream that lasted was heard of nearly to its end.
      if (performance.now() - before > PAUSE_MS_MAX) {
        heardMs = performance.now();
        pauseMs = PAUSE_MS_MIN;
      }
      if (this.#parts.needsLeader && performance.now() - heardMs > LEADERLESS_MS_MAX) {
        throw new ConnectError("etcdserver: no leader", Code.Unavailable);
      }
      await sleep(pauseMs, undefined, { signal: this.#closed.signal }).catch(() => undefined);
      pauseMs = Math.min(2 * pauseMs, PAUSE_MS_MAX);
    }
  }

  /** One stream, from asking for the rest of all watches to its end. */
  async #carry(): Promise<void> {
    const silence = new AbortController();
    const signal = AbortSignal.any([silence.signal, this.#closed.signal]);
    const timer = setTimeout(() => silence.abort(), SILENCE_MS_MAX);
    const outgoing = new MessageQueue<WatchRequest>();
    this.#outgoing = outgoing;
    try {
      await this.#resume();
      for await (const response of this.#parts.open(outgoing.messages(), signal)) {
        timer.refresh();
        await this.#relay(response);
        // A client that takes its time is no silence of the gateway.
        timer.refresh();
      }
    } finally {
      clearTimeout(timer);
      outgoing.abandon();
    }
  }

  async #resume(): Promise<void> {
    this.#creating = [];
    for (const watch of [...this.#watches.values()]) {
      if (watch.isCancelled) await this.#cancelled(watch, { canceled: true });
      else this.#ask(watch);
    }
    for (const _ of this.#asking) this.#send({ case: "progressRequest", value: {} });
  }

  #ask(watch: RelayedWatch): void {
    this.#creating.push(watch);
    this.#send({ case: "createRequest", value: watch.creation() });
  }

  /** Without a stream nothing is lost: the next one asks for everything. */
  #send(requestUnion: Asked): void {
    this.#outgoing?.put(create(WatchRequestSchema, { requestUnion })).catch(() => undefined);
  }

  async #relay(response: WatchResponse): Promise<void> {
    this.#header = response.header;
    if (response.created) {
      await this.#created(response);
      return;
    }
    const watch = this.#watches.get(response.watchId);
    if (watch === undefined) {
      if (response.watchId === NO_WATCH) this.#asking.shift()?.(response.header);
      return;
    }
    if (response.canceled) {
      await this.#cancelled(watch, response);
      return;
    }
    const isBookmark = response.events.length === 0;
    const events = watch.take(response);
    if (events.length === 0 && !(isBookmark && watch.wantsProgress)) return;
    response.events = events;
    response.watchId = watch.clientId;
    await this.#parts.deliver(response);
  }

  /** Answers to requests for watches come in the order of the requests. */
  async #created(response: WatchResponse): Promise<void> {
    const watch = this.#creating.shift();
    if (watch === undefined)
      throw new ConnectError("a watch was created that nobody asked for", Code.Unavailable);
    if (response.canceled) {
      await this.#refused(watch, response);
    } else if (!watch.isCreated) {
      watch.created(response.header?.revision ?? 0n);
      this.#parts.name(watch);
      response.watchId = watch.clientId;
      await this.#parts.deliver(response);
    }
    if (this.#creating.length === 0) for (const settled of this.#settled.splice(0)) settled();
  }

  async #refused(watch: RelayedWatch, response: WatchResponse): Promise<void> {
    if (watch.isCreated) {
      response.created = false;
      await this.#cancelled(watch, response);
      return;
    }
    this.#watches.delete(watch.upstreamId);
    this.#parts.forget(watch);
    await this.#parts.deliver(response);
  }

  async #cancelled(watch: RelayedWatch, content: Partial<Omit<WatchResponse, "$typeName">>): Promise<void> {
    this.#watches.delete(watch.upstreamId);
    this.#parts.forget(watch);
    const header = content.header ?? this.#header;
    const response = create(WatchResponseSchema, { ...content, watchId: watch.clientId });
    if (header !== undefined) response.header = header;
    await this.#parts.deliver(response);
  }
}

/** Whether another stream may do better: at any time, only soon, or never, which the client has to hear. */
function hopeOf(error: unknown): "always" | "soon" | "never" {
  if (!(error instanceof ConnectError)) return "never";
  switch (error.code) {
    case Code.Unavailable:
    case Code.Aborted:
    case Code.Canceled:
    case Code.DeadlineExceeded:
      return "always";
    case Code.Unknown:
    case Code.Internal:
    case Code.ResourceExhausted:
      return "soon";
    default:
      return "never";
  }
}
