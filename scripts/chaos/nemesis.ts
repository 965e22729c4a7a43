/** Hurts the cluster, one fault after the other with calm in between, until it is told to stop. */
import { setTimeout as sleep } from "node:timers/promises";
import { assertNever } from "../../src/base/assert.ts";
import { Prng } from "../../src/base/prng.ts";
import type { Cluster } from "./cluster.ts";
import { describeFault, drawFault, type Fault, faultLabel } from "./faults.ts";

export interface NemesisOptions {
  readonly seed: number;
  /** The calm between two faults is drawn between once and twice this. */
  readonly calmMs: number;
  /** The longest time a fault lasts. */
  readonly holdMsMax: number;
  /** Asked before each fault. */
  readonly leader: () => string | null;
  readonly log: (line: string) => void;
}

export class Nemesis {
  readonly #cluster: Cluster;
  readonly #options: NemesisOptions;
  readonly #random: Prng;
  readonly #stop = new AbortController();
  readonly #counts = new Map<string, number>();
  #running: Promise<void> = Promise.resolve();
  #failure: string | null = null;

  constructor(cluster: Cluster, options: NemesisOptions) {
    this.#cluster = cluster;
    this.#options = options;
    this.#random = new Prng(options.seed ^ 0x5eed);
  }

  /** How often each kind of fault has struck. */
  get counts(): ReadonlyMap<string, number> {
    return this.#counts;
  }

  /** What kept the nemesis from its work (a member that does not start again, say), or null. */
  get failure(): string | null {
    return this.#failure;
  }

  start(): void {
    this.#running = this.#run().catch((error: unknown) => {
      this.#failure = error instanceof Error ? error.message : String(error);
    });
  }

  /** Ends the current fault early; when this resolves every member runs, unless `failure` says otherwise. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { members, network } = this.#cluster;
    const names = members.map((member) => member.name);
    for (;;) {
      await this.#pause(this.#options.calmMs + this.#random.below(this.#options.calmMs + 1));
      if (this.#stop.signal.aborted) return;
      const fault = drawFault(this.#random, {
        names,
        leader: this.#options.leader(),
        canCut: network !== null,
        holdMsMax: this.#options.holdMsMax,
      });
      const label = faultLabel(fault, names.length);
      this.#counts.set(label, (this.#counts.get(label) ?? 0) + 1);
      this.#options.log(describeFault(fault));
      await this.#strike(fault);
    }
  }

  async #strike(fault: Fault): Promise<void> {
    switch (fault.kind) {
      case "kill":
        await Promise.all(fault.members.map((name) => this.#cluster.kill(name)));
        await this.#pause(fault.holdMs);
        await this.#cluster.restart(fault.members);
        return;
      case "pause":
        await Promise.all(fault.members.map((name) => this.#cluster.pause(name)));
        await this.#pause(fault.holdMs);
        await Promise.all(fault.members.map((name) => this.#cluster.resume(name)));
        return;
      case "pause-and-kill":
        await this.#cluster.pause(fault.paused);
        await this.#cluster.kill(fault.killed);
        await this.#pause(fault.holdMs);
        await this.#cluster.resume(fault.paused);
        await this.#cluster.restart([fault.killed]);
        return;
      case "cut":
        await this.#cluster.network?.apply(fault.cuts);
        await this.#pause(fault.holdMs);
        await this.#cluster.network?.apply(new Map());
        return;
      default:
        assertNever(fault, "fault");
    }
  }

  /** Sleeps, shorter when the run ends meanwhile. */
  async #pause(durationMs: number): Promise<void> {
    await sleep(durationMs, undefined, { signal: this.#stop.signal }).catch(() => undefined);
  }
}
