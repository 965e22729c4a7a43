/** Clients that put, get, compare-and-swap and delete a few contended keys through all gateways. */
import { setTimeout as sleep } from "node:timers/promises";
import { Prng } from "../../src/base/prng.ts";
import type { Action, Outcome } from "../../test/linearizability/operation.ts";
import type { Member } from "./cluster.ts";
import { type KvAnswer, KvConnection, type KvRequest } from "./kv-connection.ts";
import type { Recorder } from "./recorder.ts";

export interface WorkloadOptions {
  readonly seed: number;
  readonly clients: number;
  /** Keys in use at a time. */
  readonly keys: number;
  /** Every key of the run starts with this, so that a run never meets the keys of another. */
  readonly prefix: string;
  /** After so long the clients move on to fresh keys, so that no key's history grows without bound. */
  readonly rotateKeysMs: number;
  readonly timeoutMs: number;
  /** The longest pause of a client between two operations. */
  readonly thinkMsMax: number;
}

/** Attempts at a write under one Idempotency-Key. */
const ATTEMPTS_MAX = 4;
/** A pause after an answer that did not help, so that a cluster without quorum is not flooded. */
const FAILURE_PAUSE_MS = 50;

export class Workload {
  readonly #options: WorkloadOptions;
  readonly #members: readonly Member[];
  readonly #recorder: Recorder;
  /** What anybody last saw of each key: the mod_revision, for comparisons that have a chance. */
  readonly #seen = new Map<string, number>();
  #leader: string | null = null;
  #isStopped = false;
  #running: Promise<void>[] = [];

  constructor(options: WorkloadOptions, members: readonly Member[], recorder: Recorder) {
    this.#options = options;
    this.#members = members;
    this.#recorder = recorder;
  }

  /** The leader that the latest answer named. */
  get leader(): string | null {
    return this.#leader;
  }

  /** Every key used so far. */
  keys(): string[] {
    const keys = new Set(this.#recorder.operations.map((operation) => operation.key));
    return [...keys].sort();
  }

  start(): void {
    for (let client = 0; client < this.#options.clients; client += 1) {
      this.#running.push(this.#runClient(client));
    }
  }

  /** Lets every client finish its operation. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    await Promise.all(this.#running);
    this.#running = [];
  }

  async #runClient(client: number): Promise<void> {
    const random = new Prng(this.#options.seed * 1_000 + client + 1);
    const connections = this.#members.map(({ url }) => new KvConnection(url, this.#options.timeoutMs));
    let gateway = client % connections.length;
    for (let count = 0; !this.#isStopped; count += 1) {
      const key = this.#pickKey(random);
      const action = this.#pickAction(random, key, `${client}.${count}`);
      const isKeyed = action.kind !== "get" && random.chance(0.6);
      const idempotencyKey = isKeyed ? `${this.#options.prefix}-${client}-${count}` : null;
      const callMs = this.#recorder.nowMs();
      const route = random.chance(0.2) ? random.below(connections.length) : gateway;
      const outcome = await this.#perform(random, connections, route, { key, action, idempotencyKey });
      this.#recorder.record(client, key, action, callMs, outcome);
      this.#remember(key, outcome);
      const isUseless = outcome.kind === "failed" || outcome.kind === "unknown";
      if (isUseless) gateway = random.below(connections.length);
      await sleep(isUseless ? FAILURE_PAUSE_MS : random.below(this.#options.thinkMsMax + 1));
    }
    for (const connection of connections) connection.close();
  }

  /**
   * Sends the request; a keyed write whose outcome is unknown is repeated through other gateways, as a
   * careful client would. Once an attempt is unknown, only an answer settles it: that a later attempt
   * was not applied says nothing about the earlier one.
   */
  async #perform(
    random: Prng,
    connections: readonly KvConnection[],
    first: number,
    request: KvRequest,
  ): Promise<Outcome> {
    let route = first;
    let unknown: Outcome | null = null;
    for (let attempt = 1; ; attempt += 1) {
      const answer = await connections[route]?.perform(request);
      const outcome: Outcome = answer?.outcome ?? { kind: "failed", reason: "no such gateway" };
      this.#noteLeader(answer);
      const isDecided = outcome.kind !== "unknown" && outcome.kind !== "failed";
      if (isDecided) return outcome;
      if (outcome.kind === "unknown") unknown = outcome;
      const mayRepeat = request.idempotencyKey !== null && unknown !== null && !this.#isStopped;
      if (!mayRepeat || attempt >= ATTEMPTS_MAX) return unknown ?? outcome;
      route = random.below(connections.length);
      await sleep(FAILURE_PAUSE_MS);
    }
  }

  #noteLeader(answer: KvAnswer | undefined): void {
    if (answer !== undefined && answer.leader !== null) this.#leader = answer.leader;
  }

  #pickKey(random: Prng): string {
    const generation = Math.floor(this.#recorder.nowMs() / this.#options.rotateKeysMs);
    return `${this.#options.prefix}/${generation}/k${random.below(this.#options.keys)}`;
  }

  #pickAction(random: Prng, key: string, value: string): Action {
    const dice = random.fraction();
    if (dice < 0.35) return { kind: "get", consistency: "linearizable" };
    if (dice < 0.4) return { kind: "get", consistency: "serializable" };
    if (dice < 0.65) return { kind: "put", value };
    const expected = random.chance(0.1) ? 0 : (this.#seen.get(key) ?? 0);
    if (dice < 0.9) return { kind: "cas", value, expected };
    return { kind: "delete", expected: random.chance(0.5) && expected > 0 ? expected : null };
  }

  #remember(key: string, outcome: Outcome): void {
    if (outcome.kind === "written") this.#seen.set(key, outcome.revision);
    else if (outcome.kind === "found" || outcome.kind === "refused") this.#seen.set(key, outcome.modRevision);
    else if (outcome.kind === "deleted" || outcome.kind === "missing") this.#seen.set(key, 0);
  }
}
