/** One isolate of the gateway: the production router on virtual time, gone and anew now and then. */

import { defined } from "../../../src/base/assert.ts";
import type { ReadCall, ReplicaApi, ReplicaTarget } from "../../../src/engine/replica-api.ts";
import { targetOf } from "../../../src/engine/replica-api.ts";
import { LeaderRouter } from "../../../src/gateway/leader-router.ts";
import { createReplicaClient } from "../../../src/gateway/replica-client.ts";
import { Gathering } from "../../../src/gateway/session/gathering.ts";
import { type Cluster, FIRST_GATEWAY } from "../cluster.ts";
import { boundedReads, isContent, type ReadReply } from "../invariants/bounded-reads.ts";
import { fencedRead } from "../invariants/fenced-reads.ts";
import type { Caller } from "../network/network.ts";
import type { RunOptions } from "../options.ts";
import { hostOf, type Instance } from "../platform/instance.ts";
import type { SimObject } from "../platform/sim-object.ts";
import { stream } from "../world/streams.ts";
import type { Actor, World } from "../world/world.ts";

export class SimGateway implements Actor {
  readonly name: string;
  readonly router: LeaderRouter;
  readonly #world: World;
  readonly #cluster: Cluster;
  readonly #caller: Caller;
  readonly #random;
  alive = true;

  constructor(world: World, cluster: Cluster, options: RunOptions, index: number, incarnation: number) {
    this.name = `g${index + 1}`;
    this.#world = world;
    this.#cluster = cluster;
    this.#random = stream(options.seed, "gateway", index, incarnation);
    this.#caller = {
      actor: this,
      endpoint: FIRST_GATEWAY + index,
      gated: (leave) => leave(),
      busyForMs: () => 0,
    };
    const clock = {
      nowMs: () => Math.floor(world.now),
      sleep: (durationMs: number) => sleep(durationMs),
    };
    const ways = options.gathers ? new Gathering(clock) : null;
    this.router = new LeaderRouter(
      (name, member, place) => {
        const target = place === undefined ? { cluster: name, member } : targetOf(name, place);
        return createReplicaClient(() => this.#connect(target), target, ways);
      },
      clock,
      this.entropy,
      {
        members: cluster.config.members.map(({ name }) => name),
        budgetMs: options.attemptMs * options.attempts,
        attemptMs: options.attemptMs,
      },
    );
  }

  get entropy() {
    const random = this.#random;
    return {
      fraction: () => random.fraction(),
      bytes: (length: number) => Uint8Array.from({ length }, () => random.below(256)),
    };
  }

  leave(): void {}

  /** Runs `body` as an event of this isolate. */
  run(body: () => void): void {
    this.#world.after(0, () => this.#world.runAs(this, body));
  }

  /** What reads are told is judged as it leaves. */
  #judged<T extends ReadReply>(
    to: SimObject,
    there: Instance,
    calls: readonly ReadCall[],
    answer: () => Promise<readonly T[]>,
  ): Promise<readonly T[]> {
    const world = this.#world;
    const { floorBefore } = this.#cluster;
    const isOfNow = (place: number): boolean =>
      calls[place]?.consistency !== "serializable" && calls[place]?.maxStalenessMs === undefined;
    return fencedRead({
      world,
      to,
      there,
      answer: () => boundedReads({ world, there, calls, floorBefore, answer }),
      tells: (told) => told.some((reply, place) => isContent(reply) && isOfNow(place)),
    });
  }

  #connect(called: ReplicaTarget): ReplicaApi {
    const { network } = this.#cluster;
    const to = this.#cluster.object(called);
    const quiet = { departs: () => undefined, answers: () => undefined, to };
    const caller = this.#caller;
    const reads = <T extends ReadReply>(
      there: Instance,
      calls: readonly ReadCall[],
      answer: () => Promise<readonly T[]>,
    ): Promise<readonly T[]> => this.#judged(to, there, calls, answer);
    const read = async <T extends ReadReply>(
      there: Instance,
      call: ReadCall,
      answer: () => Promise<T>,
    ): Promise<T> => {
      const [told] = await reads(there, [call], async () => [await answer()]);
      return defined(told, "one answer for one call");
    };
    return {
      propose: (target, request) =>
        network.call(caller, {
          ...quiet,
          what: "propose",
          repeated: () => this.#cluster.noteRepeated(request.command),
          handle: (there) => hostOf(there).propose(target, request),
        }),
      range: (target, call) =>
        network.call(caller, {
          ...quiet,
          what: "range",
          handle: (there) => read(there, call, () => hostOf(there).range(target, call)),
        }),
      proposeMany: (target, requests) =>
        network.call(caller, {
          ...quiet,
          what: "propose",
          repeated: () => {
            for (const { command } of requests) this.#cluster.noteRepeated(command);
          },
          handle: (there) => hostOf(there).proposeMany(target, requests),
        }),
      rangeMany: (target, calls) =>
        network.call(caller, {
          ...quiet,
          what: "range",
          handle: (there) => reads(there, calls, () => hostOf(there).rangeMany(target, calls)),
        }),
      readTxn: (target, call) =>
        network.call(caller, {
          ...quiet,
          what: "readTxn",
          handle: (there) => read(there, call, () => hostOf(there).readTxn(target, call)),
        }),
      query: (target, call) =>
        network.call(caller, {
          ...quiet,
          what: "query",
          handle: (there) => hostOf(there).query(target, call),
        }),
      watch: (target, call) =>
        network.call(caller, {
          ...quiet,
          what: "watch",
          handle: (there) => hostOf(there).watch(target, call),
        }),
      status: (target) =>
        network.call(caller, { ...quiet, what: "status", handle: (there) => hostOf(there).status(target) }),
    };
  }
}

/** The global timer is virtual while a run is on. */
function sleep(durationMs: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, durationMs);
  });
}
