/** One random sequence of requests, sent step by step to two stores. */
import { setTimeout as sleep } from "node:timers/promises";
import { Prng } from "../../../src/base/prng.ts";
import { comparableAnswer } from "./comparable.ts";
import type { Answer, Exchange, Request } from "./exchange.ts";
import { damaged } from "./json-forms.ts";
import { type Knowledge, KvRequests } from "./kv-requests.ts";
import {
  AUTH_SETUP,
  authCall,
  type Call,
  CURTAIN,
  clusterCall,
  coordinationCall,
  leaseCall,
  maintenanceCall,
  oddRequest,
  watchBody,
} from "./other-requests.ts";
import { WatchStream } from "./watches.ts";

export const PROFILES = ["keys", "leases", "watches", "auth", "alarms", "locks", "forms"] as const;
export type Profile = (typeof PROFILES)[number];

/** Where the two stores answered differently. */
export interface Difference {
  readonly step: number;
  readonly request: Request;
  readonly expected: string;
  readonly found: string;
}

export interface SequenceResult {
  readonly steps: number;
  readonly differences: readonly Difference[];
  /** etcd's process ended, as it does with some requests; nothing was compared from there on. */
  readonly hasEnded: boolean;
}

export interface SequenceOptions {
  readonly seed: number;
  readonly steps: number;
  readonly profile: Profile;
  readonly reference: Exchange;
  readonly tested: Exchange;
  /** Told of each step. */
  readonly trace?: (request: Request, expected: string, found: string) => void;
}

/** How long the reference may be silent until it has said everything. */
const QUIET_MS = 300;
const CATCH_UP_MS = 5_000;
/** Long enough for whoever need not wait. */
const WAITING_TIMEOUT = "400m";

type Stream = { readonly request: Request; readonly expected: WatchStream; readonly found: WatchStream };

export class Sequence {
  readonly #options: SequenceOptions;
  readonly #random: Prng;
  readonly #knowledge: Knowledge;
  readonly #keys: KvRequests;
  readonly #streams: Stream[] = [];
  readonly #differences: Difference[] = [];
  readonly #alarm: string;
  #step = 0;

  constructor(options: SequenceOptions) {
    this.#options = options;
    this.#random = new Prng(options.seed);
    this.#alarm = this.#random.pick(["NOSPACE", "CORRUPT"]);
    this.#knowledge = {
      revision: 1,
      isAuth: options.profile === "auth",
      isNesting: options.profile !== "auth" && options.profile !== "alarms" && options.profile !== "forms",
    };
    this.#keys = new KvRequests(this.#random, this.#knowledge);
  }

  /** Ends at the first difference: what follows it would differ, too. */
  async run(): Promise<SequenceResult> {
    const { profile, steps } = this.#options;
    // Elects the first leader: what a store does before that is not its answers'.
    let isAlive = await this.#send(requestOf(["kv/range", { key: "YQ==" }]));
    if (profile === "auth") for (const call of AUTH_SETUP) isAlive &&= await this.#send(requestOf(call));
    if (profile === "leases" || profile === "locks") {
      for (const id of [1, 2, 3]) {
        isAlive &&= await this.#send(requestOf(["lease/grant", { ID: id, TTL: 1_000 * id }]));
      }
    }
    while (isAlive && this.#differences.length === 0 && this.#step < steps) isAlive = await this.#next();
    if (isAlive && this.#differences.length === 0 && this.#streams.length > 0) {
      for (const call of CURTAIN) isAlive &&= await this.#send(requestOf(call));
      await this.#compareStreams();
    }
    for (const { expected, found } of this.#streams) {
      expected.close();
      found.close();
    }
    return { steps: this.#step, differences: this.#differences, hasEnded: !isAlive };
  }

  async #next(): Promise<boolean> {
    const random = this.#random;
    const { profile } = this.#options;
    if (profile === "watches" && this.#streams.length < 4 && random.chance(0.1)) return this.#watch();
    if (profile === "forms" && random.chance(0.12)) {
      const { method, path } = oddRequest(random);
      return this.#send({ method, path, headers: this.#headers(), body: method === "POST" ? "{}" : "" });
    }
    const call = this.#call();
    const request = requestOf(call, this.#headers());
    // A lease of another time might end while its sequence runs, in both stores at other steps.
    if (profile === "forms" && call[0] !== "lease/grant" && random.chance(0.6)) {
      return this.#send({ ...request, body: damaged(random, request.body) });
    }
    if (!/^(?:lock\/lock|election\/campaign)$/.test(call[0])) return this.#send(request);
    return this.#send({ ...request, headers: { ...request.headers, "Grpc-Timeout": WAITING_TIMEOUT } });
  }

  #call(): Call {
    const random = this.#random;
    const { profile } = this.#options;
    if (random.chance(0.35)) {
      switch (profile) {
        case "leases":
          return leaseCall(random);
        case "auth":
          return authCall(random);
        case "alarms":
          return random.chance(0.8) ? maintenanceCall(random, this.#alarm) : clusterCall(random);
        case "locks":
          return coordinationCall(random, this.#keys);
        case "forms":
          return this.#anyCall();
        case "keys":
        case "watches":
          break;
      }
    }
    switch (random.below(12)) {
      case 0:
      case 1:
      case 2:
      case 3:
        return ["kv/put", this.#keys.put()];
      case 4:
      case 5:
      case 6:
        return ["kv/range", this.#keys.range()];
      case 7:
        return ["kv/deleterange", this.#keys.deleteRange()];
      case 8:
        return random.chance(0.3) && profile !== "auth"
          ? ["kv/compaction", this.#keys.compaction()]
          : ["kv/put", this.#keys.put()];
      default:
        return ["kv/txn", this.#keys.txn()];
    }
  }

  #anyCall(): Call {
    const random = this.#random;
    const maintain = (): Call => maintenanceCall(random, this.#alarm);
    const calls = [leaseCall, authCall, maintain, clusterCall] as const;
    // With auth on, most answers would be the same refusal.
    for (;;) {
      const call = random.chance(0.2) ? coordinationCall(random, this.#keys) : random.pick(calls)(random);
      if (call[0] !== "auth/enable" && call[0] !== "cluster/member/add") return call;
    }
  }

  #headers(): Readonly<Record<string, string>> {
    if (this.#options.profile !== "auth") return {};
    const random = this.#random;
    if (random.chance(0.05)) return random.chance(0.5) ? {} : { Authorization: "nonsense" };
    return { Authorization: `{token ${random.pick(["root", "root", "ann", "ann", "bob"])}}` };
  }

  async #send(request: Request): Promise<boolean> {
    this.#step += 1;
    const { reference, tested, trace } = this.#options;
    const answer = await reference.send(request);
    const other = await tested.send(request);
    const mayWait = "Grpc-Timeout" in request.headers;
    const expected = comparableAnswer(answer, mayWait);
    const found = comparableAnswer(other, mayWait);
    trace?.(request, expected, found);
    if (answer === null) return false;
    this.#learn(answer);
    if (expected !== found) this.#differences.push({ step: this.#step, request, expected, found });
    return true;
  }

  #learn({ text }: Answer): void {
    const revision = Number(/"revision":"(\d+)"/.exec(text)?.[1] ?? 0);
    this.#knowledge.revision = Math.max(this.#knowledge.revision, revision);
  }

  async #watch(): Promise<boolean> {
    const { reference, tested, trace } = this.#options;
    const count = 1 + this.#random.below(4);
    const request = {
      method: "POST",
      path: "/v3/watch",
      headers: {},
      body: watchBody(this.#random, this.#keys, count),
    };
    const stream = {
      request,
      expected: new WatchStream(reference, request),
      found: new WatchStream(tested, request),
    };
    this.#streams.push(stream);
    await Promise.all([stream.expected.untilCreated(count), stream.found.untilCreated(count)]);
    // etcd reads history for new watches ten times a second: a compaction before that would cancel those there.
    await untilTold([stream]);
    trace?.(request, "", "");
    return true;
  }

  async #compareStreams(): Promise<void> {
    await untilTold(this.#streams);
    for (const { request, expected, found } of this.#streams) {
      const [ours, theirs] = [found.report().join("\n"), expected.report().join("\n")];
      if (ours !== theirs) {
        this.#differences.push({ step: this.#step, request, expected: theirs, found: ours });
      }
    }
  }
}

/** The reference has said everything, and the other store as much, or its time is over. */
async function untilTold(streams: readonly Stream[]): Promise<void> {
  await untilQuiet(streams.map(({ expected }) => expected));
  for (const { expected, found } of streams) {
    const deadlineMs = performance.now() + CATCH_UP_MS;
    while (found.report().length < expected.report().length && performance.now() < deadlineMs)
      await sleep(QUIET_MS / 10);
  }
}

async function untilQuiet(streams: readonly WatchStream[]): Promise<void> {
  const size = (): number => streams.reduce((sum, stream) => sum + stream.size, 0);
  for (let before = -1; before !== size(); ) {
    before = size();
    await sleep(QUIET_MS);
  }
}

function requestOf([path, body]: Call, headers: Readonly<Record<string, string>> = {}): Request {
  return { method: "POST", path: `/v3/${path}`, headers, body: JSON.stringify(body) };
}
