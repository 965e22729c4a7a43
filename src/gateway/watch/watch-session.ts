/**
 * One stream of etcd's Watch service, whatever protocol carries it: what its client asks in, what
 * etcd would answer out.
 */
import { compareBytes } from "../../base/bytes.ts";
import { LIMITS } from "../../base/limits.ts";
import type { ReplicaHeader } from "../../engine/replica-api.ts";
import {
  type WatchCreateRequest,
  WatchCreateRequest_FilterType,
  type WatchRequest,
  type WatchResponse,
} from "../../wire/gen/etcd/rpc_pb.ts";
import type { Clock } from "../ports.ts";
import { goError } from "./go-error.ts";
import { Puller, type PullerEnd } from "./puller.ts";
import { byRevision, eventOf, NO_WATCH, watchResponse } from "./watch-answers.ts";
import type { WatchSource } from "./watch-source.ts";
import { type Telling, WatchedRange } from "./watched-range.ts";

/** A stream that was silent from one of these moments to the next says something, or the way closes it. */
const KEEP_ALIVE_MS = 25_000;
const DUPLICATE_ID = "mvcc: duplicate watch ID provided on the WatchStream";
const EMPTY_RANGE = "mvcc: watcher range is empty";
const TOO_MANY = `etcdserver: a stream can have ${LIMITS.watchRangesMax} watches`;
/** etcd's "from now on", besides 0. */
const ALSO_NOW = -1n;

export interface SessionParts {
  readonly source: WatchSource;
  readonly clock: Clock;
  /** Resolves when there is room for more. */
  readonly send: (response: WatchResponse) => Promise<void>;
  /** Nothing more will be sent. */
  readonly ended: (end: PullerEnd) => void;
}

interface Watch {
  readonly id: bigint;
  readonly range: WatchedRange;
  readonly prevKv: boolean;
  readonly wantsProgress: boolean;
  /** Something was sent since the last look at who is silent. */
  isHeard: boolean;
}

export class WatchSession {
  readonly #parts: SessionParts;
  readonly #puller: Puller;
  readonly #watches = new Map<bigint, Watch>();
  readonly #byRange = new Map<WatchedRange, Watch>();
  /** The answer that told the highest revision. */
  #origin: ReplicaHeader;
  #nextId = 0n;
  #isHeard = true;
  #isClosed = false;

  /** `origin`: where the store stands as the stream begins. */
  constructor(parts: SessionParts, origin: ReplicaHeader) {
    this.#parts = parts;
    this.#origin = origin;
    this.#puller = new Puller(parts.source, parts.clock, {
      answered: (header) => this.#learn(header),
      told: (range, telling, header, isLive) => this.#told(range, telling, header, isLive),
      compacted: (range, revision, header) => this.#compacted(range, revision, header),
      refused: (range, error, header) => this.#refused(range, error, header),
      ended: (end) => {
        this.close();
        parts.ended(end);
      },
    });
  }

  /** Pulls and tells until the stream is over. */
  async run(): Promise<void> {
    await Promise.all([this.#puller.run(), this.#keepAlive()]);
  }

  /** What the client asks, in its order. `now`: where the store stood afterwards. */
  async handle(requests: readonly WatchRequest[], now: ReplicaHeader): Promise<void> {
    this.#learn(now);
    for (const { requestUnion } of requests) {
      switch (requestUnion.case) {
        case "createRequest":
          await this.#create(requestUnion.value, now);
          break;
        case "cancelRequest":
          await this.#cancel(requestUnion.value.watchId);
          break;
        case "progressRequest":
          // Not waited for: whoever lags must not keep others from being created or cancelled.
          this.#progress().catch(() => this.close());
          break;
        case undefined:
          break;
      }
    }
  }

  close(): void {
    this.#isClosed = true;
    this.#puller.close();
  }

  async #create(request: WatchCreateRequest, now: ReplicaHeader): Promise<void> {
    const refusal = this.#refusalOf(request) ?? (await this.#prohibition(request));
    if (refusal !== null) {
      const content = { watchId: NO_WATCH, created: true, canceled: true, cancelReason: refusal };
      await this.#send(null, watchResponse(this.#origin, this.#origin.revision, content));
      return;
    }
    const { startRevision, fragment } = request;
    const isFromNow = startRevision === 0n || startRevision === ALSO_NOW;
    const from = isFromNow ? now.revision + 1 : safeRevision(startRevision);
    const range = new WatchedRange(rangeOf(request), from, fragment);
    const watch: Watch = {
      id: request.watchId === 0n ? this.#freeId() : request.watchId,
      range,
      prevKv: request.prevKv,
      wantsProgress: request.progressNotify,
      isHeard: true,
    };
    this.#watches.set(watch.id, watch);
    this.#byRange.set(range, watch);
    await this.#send(watch, watchResponse(this.#origin, this.#origin.revision, { created: true }));
    if (watch.range.isActive) this.#puller.add(range, from <= now.revision);
  }

  /** etcd's text, or null. */
  #refusalOf(request: WatchCreateRequest): string | null {
    const { key, rangeEnd } = rangeOf(request);
    const isOpen = rangeEnd.length === 1 && rangeEnd[0] === 0;
    if (rangeEnd.length > 0 && !isOpen && compareBytes(key, rangeEnd) >= 0) return EMPTY_RANGE;
    if (request.watchId !== 0n && this.#watches.has(request.watchId)) return DUPLICATE_ID;
    return this.#watches.size >= LIMITS.watchRangesMax ? TOO_MANY : null;
  }

  /** etcd's text where whoever asks may not watch this, or null. */
  async #prohibition(request: WatchCreateRequest): Promise<string | null> {
    const error = await this.#parts.source.refusalOf(rangeOf(request));
    return error === null ? null : goError(error);
  }

  #freeId(): bigint {
    while (this.#watches.has(this.#nextId)) this.#nextId += 1n;
    this.#nextId += 1n;
    return this.#nextId - 1n;
  }

  async #cancel(id: bigint): Promise<void> {
    const watch = this.#watches.get(id);
    if (watch === undefined) return;
    this.#forget(watch);
    const content = { watchId: id, canceled: true };
    await this.#send(null, watchResponse(this.#origin, this.#origin.revision, content));
  }

  /** A bookmark: everything up to its revision was sent to every watch before. */
  async #progress(): Promise<void> {
    await this.#puller.refresh();
    const content = { watchId: NO_WATCH };
    await this.#send(null, watchResponse(this.#origin, this.#toldRevision(), content));
  }

  #toldRevision(): number {
    let revision = this.#origin.revision;
    for (const { range } of this.#watches.values()) revision = Math.min(revision, range.toldRevision);
    return revision;
  }

  async #told(
    range: WatchedRange,
    { events, isFragment }: Telling,
    header: ReplicaHeader,
    isLive: boolean,
  ): Promise<void> {
    const watch = this.#byRange.get(range);
    if (watch === undefined) return;
    // As etcd does it: what happens is told revision by revision, history many at once.
    for (const group of isLive ? byRevision(events) : [events]) {
      const revision = isLive ? (group[0]?.at.revision ?? 0) : this.#origin.revision;
      const told = group.map((event) => eventOf(event, watch.prevKv));
      const content = { fragment: isFragment, events: told };
      if (range.isActive) await this.#send(watch, watchResponse(header, revision, content));
    }
  }

  async #compacted(range: WatchedRange, compactRevision: number, header: ReplicaHeader): Promise<void> {
    const watch = this.#byRange.get(range);
    if (watch === undefined) return;
    this.#forget(watch);
    const content = { canceled: true, compactRevision: BigInt(compactRevision) };
    await this.#send(watch, watchResponse(header, 0, content));
  }

  async #refused(range: WatchedRange, error: string, header: ReplicaHeader): Promise<void> {
    const watch = this.#byRange.get(range);
    if (watch === undefined) return;
    this.#forget(watch);
    const content = { canceled: true, cancelReason: goError(error) };
    await this.#send(watch, watchResponse(header, 0, content));
  }

  #forget(watch: Watch): void {
    this.#puller.remove(watch.range);
    this.#watches.delete(watch.id);
    this.#byRange.delete(watch.range);
  }

  #learn(header: ReplicaHeader): void {
    if (header.revision >= this.#origin.revision) this.#origin = header;
  }

  async #send(watch: Watch | null, response: WatchResponse): Promise<void> {
    this.#isHeard = true;
    if (watch !== null) {
      watch.isHeard = true;
      response.watchId = watch.id;
    }
    await this.#parts.send(response);
  }

  async #keepAlive(): Promise<void> {
    for (;;) {
      await this.#parts.clock.sleep(KEEP_ALIVE_MS);
      if (this.#isClosed) return;
      const silent = [...this.#watches.values()].filter((watch) => watch.wantsProgress && !watch.isHeard);
      const [first] = this.#watches.values();
      if (silent.length === 0 && !this.#isHeard && first !== undefined) silent.push(first);
      const wasHeard = this.#isHeard;
      this.#isHeard = false;
      for (const watch of this.#watches.values()) watch.isHeard = false;
      for (const watch of silent) {
        await this.#send(watch, watchResponse(this.#origin, this.#bookmark(watch), {}));
      }
      if (silent.length === 0 && !wasHeard) {
        await this.#send(null, watchResponse(this.#origin, this.#origin.revision, { watchId: NO_WATCH }));
      }
      // What was said only for the sake of saying something does not count.
      this.#isHeard = false;
    }
  }

  /** The revision up to which `watch` was told everything, as far as the store is known. */
  #bookmark({ range }: Watch): number {
    return Math.min(range.toldRevision, this.#origin.revision);
  }
}

function rangeOf({ key, rangeEnd, filters, prevKv }: WatchCreateRequest) {
  return {
    // etcd takes no key for the lowest one.
    key: key.length === 0 ? new Uint8Array([0]) : key,
    rangeEnd,
    noPut: filters.includes(WatchCreateRequest_FilterType.NOPUT),
    noDelete: filters.includes(WatchCreateRequest_FilterType.NODELETE),
    prevKv,
  };
}

/** Revisions beyond what a store can reach are all the same. */
function safeRevision(revision: bigint): number {
  const max = BigInt(Number.MAX_SAFE_INTEGER - 1);
  return Number(revision > max ? max : revision < -max ? -max : revision);
}
