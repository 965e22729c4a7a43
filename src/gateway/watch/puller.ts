/**
 * Pulls the changes of a stream's ranges from replicas, one call after the other, and tells them.
 * The next call leaves when everything was told: a client that reads slowly is asked for by nobody.
 * Ranges that begin in the past have calls of their own until they have caught up.
 */
import type { ReplicaHeader, WatchEvent } from "../../engine/replica-api.ts";
import type { RouteFailure, WatchOutcome } from "../leader-router.ts";
import type { Clock } from "../ports.ts";
import { Signal } from "./signal.ts";
import type { WatchSource } from "./watch-source.ts";
import type { Telling, WatchedRange } from "./watched-range.ts";

/** How long a replica lets a call wait. */
const WAIT_MS = 25_000;
/** Without any answer for so long the stream is given up. */
const PATIENCE_MS = 60_000;
const PAUSE_MS = 500;

export interface PullerEnd {
  /** Null: the stream has used up its calls, its client may come again. */
  readonly failure: RouteFailure | null;
}

/** What becomes of what was pulled. Resolves when the client has room for more. */
export interface PullerSink {
  /** `isLive`: it has just happened; else it is history, and the header tells how far that goes. */
  told(watch: WatchedRange, telling: Telling, header: ReplicaHeader, isLive: boolean): Promise<void>;
  /** A replica answered. Told before what the answer holds. */
  answered(header: ReplicaHeader): void;
  /** The next change of `watch` is compacted; it was removed. */
  compacted(watch: WatchedRange, compactRevision: number, header: ReplicaHeader): Promise<void>;
  /** Whoever asks may not watch this, or not any more; it was removed. `error` is a key of the error table. */
  refused(watch: WatchedRange, error: string, header: ReplicaHeader): Promise<void>;
  /** Nothing more will be told. */
  ended(end: PullerEnd): void;
}

interface Group {
  readonly watches: Set<WatchedRange>;
  readonly signal: Signal;
  readonly isLive: boolean;
}

type Watched = Extract<WatchOutcome, { kind: "watched" }>;

export class Puller {
  readonly #source: WatchSource;
  readonly #clock: Clock;
  readonly #sink: PullerSink;
  readonly #live: Group = { watches: new Set(), signal: new Signal(), isLive: true };
  readonly #lagging: Group = { watches: new Set(), signal: new Signal(), isLive: false };
  /** Told when everything acknowledged by now was told. */
  #refreshers: ((header: ReplicaHeader) => void)[] = [];
  #isClosed = false;
  #answeredAt: number;

  constructor(source: WatchSource, clock: Clock, sink: PullerSink) {
    this.#source = source;
    this.#clock = clock;
    this.#sink = sink;
    this.#answeredAt = clock.nowMs();
  }

  /** Runs until `close`, or until the sink is told the end. */
  async run(): Promise<void> {
    await Promise.all([this.#run(this.#live), this.#run(this.#lagging)]);
  }

  /** `isPast`: there may be history to tell first. */
  add(watch: WatchedRange, isPast: boolean): void {
    const group = isPast ? this.#lagging : this.#live;
    group.watches.add(watch);
    group.signal.give();
  }

  remove(watch: WatchedRange): void {
    watch.isActive = false;
    this.#live.watches.delete(watch);
    this.#lagging.watches.delete(watch);
  }

  /** Resolves when every change that was acknowledged by now was told, except to ranges that lag. */
  refresh(): Promise<ReplicaHeader> {
    return new Promise((resolve) => {
      this.#refreshers.push(resolve);
      this.#live.signal.give();
    });
  }

  get isLagging(): boolean {
    return this.#lagging.watches.size > 0;
  }

  close(): void {
    this.#isClosed = true;
    this.#live.signal.give();
    this.#lagging.signal.give();
  }

  async #run(group: Group): Promise<void> {
    while (!this.#isClosed) {
      group.signal.take();
      const refreshers = group.isLive ? this.#refreshers : [];
      if (group.watches.size === 0 && refreshers.length === 0) {
        await group.signal.given();
      } else if (this.#source.isSpent) {
        this.#end({ failure: null });
      } else {
        await this.#pull(group, refreshers);
      }
    }
  }

  async #pull(group: Group, refreshers: readonly ((header: ReplicaHeader) => void)[]): Promise<void> {
    const watches = [...group.watches];
    const isFresh = refreshers.length > 0;
    const waitMs = group.isLive && !isFresh ? WAIT_MS : 0;
    const call = this.#source.ask({ ranges: watches.map(({ range }) => range), isFresh, waitMs });
    // What a call finds that is not waited for any more, the next one finds again.
    const outcome = await (waitMs > 0 ? Promise.race([call, group.signal.given()]) : call);
    if (outcome === undefined || this.#isClosed) return;
    if (outcome.kind === "failed") {
      await this.#failed(outcome);
      return;
    }
    this.#answeredAt = this.#clock.nowMs();
    this.#sink.answered(outcome.header);
    await this.#tell(group, watches, outcome);
    this.#refreshers = this.#refreshers.filter((refresher) => !refreshers.includes(refresher));
    for (const refresher of refreshers) refresher(outcome.header);
    if (!group.isLive && outcome.next.revision > outcome.header.revision) this.#caughtUp(watches);
  }

  async #tell(group: Group, watches: readonly WatchedRange[], outcome: Watched): Promise<void> {
    const { events, next, compacted, compactRevision, header } = outcome;
    const perPlace: WatchEvent[][] = watches.map(() => []);
    for (const event of events) for (const place of event.ranges) perPlace[place]?.push(event);
    const gone = new Set(compacted);
    const refused = new Map(outcome.refused?.map(({ place, error }) => [place, error]));
    for (const [place, watch] of watches.entries()) {
      if (!watch.isActive) continue;
      const error = refused.get(place);
      if (error !== undefined) {
        this.remove(watch);
        await this.#sink.refused(watch, error, header);
        continue;
      }
      if (gone.has(place)) {
        this.remove(watch);
        await this.#sink.compacted(watch, compactRevision, header);
        continue;
      }
      for (const telling of watch.take(perPlace[place] ?? [], next)) {
        if (watch.isActive) await this.#sink.told(watch, telling, header, group.isLive);
      }
      watch.confirm();
    }
  }

  #caughtUp(watches: readonly WatchedRange[]): void {
    for (const watch of watches) {
      if (this.#lagging.watches.delete(watch)) this.#live.watches.add(watch);
    }
    this.#live.signal.give();
  }

  async #failed(failure: RouteFailure): Promise<void> {
    if (this.#clock.nowMs() - this.#answeredAt > PATIENCE_MS) this.#end({ failure });
    else await this.#clock.sleep(PAUSE_MS);
  }

  #end(end: PullerEnd): void {
    if (this.#isClosed) return;
    this.close();
    this.#sink.ended(end);
  }
}
