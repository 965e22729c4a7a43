/**
 * A client that watches: a stream of a few ranges through a gateway, pulled by production code. When
 * its gateway is gone, or it feels like it, it resumes from what it was told.
 */
import { defined } from "../../../src/base/assert.ts";
import type { Prng } from "../../../src/base/prng.ts";
import { Puller, type PullerSink } from "../../../src/gateway/watch/puller.ts";
import { WatchSource } from "../../../src/gateway/watch/watch-source.ts";
import { WatchedRange } from "../../../src/gateway/watch/watched-range.ts";
import { utf8 } from "../../../src/wire/text.ts";
import { violated } from "../../raft/invariants/violation.ts";
import { Visitor } from "../auth/sign-in.ts";
import { checkWatcher, checkWatchRefusal } from "../auth/watch-checks.ts";
import { CLUSTER } from "../cluster.ts";
import type { SimGateway } from "../gateway/sim-gateway.ts";
import type { RunOptions } from "../options.ts";
import type { Model } from "../oracle/model.ts";
import { ALL_KEYS } from "../oracle/operations/operation-kind.ts";
import { USERS } from "../oracle/operations/users.ts";
import { stream } from "../world/streams.ts";
import type { World } from "../world/world.ts";
import { type Wanted, WatchOracle } from "./watch-oracle.ts";

export interface WatcherParts {
  readonly world: World;
  readonly options: RunOptions;
  readonly model: Model;
  readonly index: number;
  /** The gateway in service for this client. */
  readonly gateway: () => SimGateway;
  /** The faults are over: nobody breaks off any more, or is slow. */
  readonly isHealed: () => boolean;
}

/** One range over all its streams. */
interface Interest {
  readonly wanted: Wanted;
  readonly takesFragments: boolean;
  readonly name: string;
  /** Null until it is known where it begins. */
  oracle: WatchOracle | null;
}

/** One life of a stream; what it still says when it is over nobody hears. */
interface Stream {
  isOver: boolean;
}

const TICK_MS = 400;
const REFUSED_PAUSE_MS = 3_000;

export class SimWatcher {
  readonly #parts: WatcherParts;
  readonly #random: Prng;
  readonly #interests: readonly Interest[];
  #stream: { readonly current: Stream; readonly puller: Puller } | null = null;
  /** The gateway asked last; null before the beginning. */
  #gateway: SimGateway | null = null;
  #isClosed = false;
  /** In runs with users: as whom it watches. */
  readonly #visitor: Visitor;
  /** Not before this does it come back from a refusal. */
  #returnsAt = 0;
  /** Events told, resumptions, compactions met, and refusals for who watches. */
  readonly counts = { told: 0, resumed: 0, compacted: 0, refused: 0 };

  constructor(parts: WatcherParts) {
    this.#parts = parts;
    const random = stream(parts.options.seed, "watcher", parts.index);
    this.#random = random;
    const user = USERS[(parts.index + 1) % USERS.length] ?? "root";
    this.#visitor = new Visitor(`watcher${parts.index + 1}`, user);
    this.#interests = Array.from({ length: 1 + random.below(3) }, (_, place) => ({
      wanted: this.#draw(),
      takesFragments: random.chance(0.3),
      name: `watcher ${parts.index + 1}.${place}`,
      oracle: null,
    }));
  }

  /** Everything that happened was told. */
  get isUpToDate(): boolean {
    return this.#interests.every(({ oracle }) => oracle?.isUpToDate === true);
  }

  start(): void {
    this.#parts.world.after(this.#random.below(this.#parts.options.durationMs), () => this.#open());
    this.#tick();
  }

  close(): void {
    this.#isClosed = true;
    this.#end();
  }

  #draw(): Wanted {
    const random = this.#random;
    const one = { key: utf8(`k${random.below(this.#parts.options.keys)}`), rangeEnd: new Uint8Array() };
    const some = { key: one.key, rangeEnd: random.chance(0.5) ? new Uint8Array([0]) : utf8("k5") };
    return {
      ...random.pick([one, some, ALL_KEYS, ALL_KEYS]),
      noPut: random.chance(0.15),
      noDelete: random.chance(0.15),
      prevKv: random.chance(0.4),
    };
  }

  #tick(): void {
    const { world, gateway, isHealed } = this.#parts;
    world.after(TICK_MS, () => {
      if (this.#isClosed) return;
      const breaksOff = !isHealed() && this.#random.chance(0.01);
      const isLost = this.#gateway !== null && this.#gateway !== gateway();
      if (world.now < this.#returnsAt) {
        // Nobody changes what it may do so soon.
      } else if (isLost || this.#stream?.current.isOver === true || (breaksOff && this.#stream !== null)) {
        this.#end();
        this.counts.resumed += 1;
        this.#open();
      }
      this.#tick();
    });
  }

  #end(): void {
    if (this.#stream === null) return;
    this.#stream.current.isOver = true;
    this.#stream.puller.close();
    this.#stream = null;
  }

  #open(): void {
    if (this.#isClosed) return;
    const gateway = this.#parts.gateway();
    this.#gateway = gateway;
    gateway.run(() => {
      if (this.#isClosed) return;
      this.#begin(gateway).catch((error: unknown) => {
        this.#parts.world.fail(error instanceof Error ? error : new Error(String(error)));
      });
    });
  }

  async #begin(gateway: SimGateway): Promise<void> {
    const { world, model } = this.#parts;
    const { store } = model;
    const current = { isOver: false };
    await this.#visitor.signIn(gateway);
    if (this.#isClosed) return;
    const { token } = this.#visitor;
    const choice = { cluster: CLUSTER, pin: null, token };
    const source = new WatchSource(gateway.router, choice, gateway.entropy);
    const ranges = new Map<WatchedRange, Interest>();
    const clock = { nowMs: () => Math.floor(world.now), sleep };
    const puller = new Puller(source, clock, this.#sink(current, ranges, token));
    this.#stream = { current, puller };
    for (const interest of this.#interests) {
      const start = interest.oracle?.resumeRevision ?? (await this.#firstStart(source, gateway));
      if (current.isOver) return;
      if (start === null) {
        current.isOver = true;
        return;
      }
      const { wanted, takesFragments, name } = interest;
      interest.oracle = new WatchOracle(store, wanted, start, name);
      const range = new WatchedRange(wanted, start, takesFragments);
      ranges.set(range, interest);
      puller.add(range, this.#random.chance(0.5) || start <= store.revision);
    }
    this.#check(current, ranges);
    await puller.run();
  }

  /** Now, in the past or in the future; null: nobody says what "now" is. */
  async #firstStart(source: WatchSource, gateway: SimGateway): Promise<number | null> {
    const { store } = this.#parts.model;
    const random = this.#random;
    if (random.chance(0.3)) return 1 + random.below(store.revision + 1);
    if (random.chance(0.2)) return store.revision + random.below(30);
    const known = gateway.router.knownRevision(CLUSTER);
    const now = await source.now();
    if (now.kind === "failed") return null;
    if (now.header.revision < known) {
      violated("watch-from-now", `"now" is ${now.header.revision}, and ${known} was known before`);
    }
    return now.header.revision + 1;
  }

  /** Bookmarks are true at any time. */
  #check(current: Stream, ranges: ReadonlyMap<WatchedRange, Interest>): void {
    if (current.isOver || this.#isClosed) return;
    for (const [range, { oracle }] of ranges) {
      if (range.isActive) oracle?.bookmark(range.toldRevision);
    }
    this.#parts.world.after(TICK_MS / 4, () => this.#check(current, ranges));
  }

  #sink(current: Stream, ranges: ReadonlyMap<WatchedRange, Interest>, token: string | null): PullerSink {
    const { model } = this.#parts;
    const interestOf = (range: WatchedRange): Interest =>
      defined(ranges.get(range), "told of what is watched");
    const oracleOf = (range: WatchedRange): WatchOracle =>
      defined(interestOf(range).oracle, "told after it began");
    return {
      answered: () => undefined,
      told: async (range, telling, { sequence }) => {
        if (current.isOver) return;
        checkWatcher(model, interestOf(range), token, sequence);
        oracleOf(range).told(telling);
        this.counts.told += telling.events.length;
        if (!this.#parts.isHealed() && this.#random.chance(0.05))
          await sleep(3_000 * this.#random.fraction());
      },
      compacted: async (range, compactRevision) => {
        if (current.isOver) return;
        oracleOf(range).compacted(compactRevision);
        this.counts.compacted += 1;
        // Reads anew and goes on from there: as if it had never watched before.
        interestOf(range).oracle = null;
        current.isOver = true;
      },
      refused: async (range, error, { sequence }) => {
        if (current.isOver) return;
        checkWatchRefusal(model, interestOf(range), token, { error, sequence });
        this.#visitor.refused(error);
        this.counts.refused += 1;
        if (error === "permissionDenied" && !this.#parts.isHealed()) {
          this.#returnsAt = this.#parts.world.now + REFUSED_PAUSE_MS * this.#random.fraction();
        }
        current.isOver = true;
      },
      ended: () => {
        current.isOver = true;
      },
    };
  }
}

/** The global timer is virtual while a run is on. */
function sleep(durationMs: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, durationMs);
  });
}
