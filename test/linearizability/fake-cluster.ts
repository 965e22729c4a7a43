/**
 * A cluster that is only a pretence: HTTP servers over one store in memory. The correct one must pass
 * the chaos runner, and each broken one must be caught by it.
 */
import http from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import type { Cluster, Member } from "../../scripts/chaos/cluster.ts";
import { Prng } from "../../src/base/prng.ts";
import type { Action, Outcome } from "./operation.ts";
import { SequentialStore } from "./sequential-store.ts";

export type Flaw =
  | "none"
  /** Linearizable reads are now and then answered from the past. */
  | "stale-reads"
  /** An acknowledged write is undone by the next. */
  | "lost-writes"
  /** Repeating a write under its Idempotency-Key applies it again. */
  | "double-apply"
  /** "Not applied" is said of writes that were. */
  | "false-failures"
  /** A comparison is checked at another moment than the write. */
  | "racy-cas";

interface Server {
  readonly member: Member;
  server: http.Server;
  isUp: boolean;
  /** Pending while paused. */
  resumed: Promise<void>;
  resume: () => void;
}

interface Asked {
  readonly key: string;
  readonly action: Action;
  readonly idempotencyKey: string | null;
  readonly atRevision: number;
}

/** How often a flaw shows where it could. */
const FLAW_CHANCE = 0.05;
/** How often, in every kind of store, the answer to a write gets lost. */
const LOST_ANSWER_CHANCE = 0.03;
const PATH_PREFIX = "/kv/";

export async function startFakeCluster(size: number, flaw: Flaw, seed: number): Promise<FakeCluster> {
  const cluster = new FakeCluster(flaw, seed);
  for (let number = 1; number <= size; number += 1) await cluster.add(`r${number}`);
  return cluster;
}

class FakeCluster implements Cluster {
  readonly network = null;
  readonly #flaw: Flaw;
  readonly #random: Prng;
  readonly #servers: Server[] = [];
  readonly #answers = new Map<string, Outcome>();
  /** The store after each revision, oldest first; the last is the present. */
  readonly #past: SequentialStore[] = [new SequentialStore(1)];

  constructor(flaw: Flaw, seed: number) {
    this.#flaw = flaw;
    this.#random = new Prng(seed);
  }

  get members(): readonly Member[] {
    return this.#servers.map((server) => server.member);
  }

  async add(name: string): Promise<void> {
    const server = this.#serverFor(name);
    const port = await listen(server, 0);
    const member: Member = { name, url: `http://127.0.0.1:${port}` };
    this.#servers.push({ member, server, isUp: true, resumed: Promise.resolve(), resume: () => {} });
  }

  async kill(name: string): Promise<void> {
    const victim = this.#find(name);
    victim.isUp = false;
    victim.resume();
    const closed = new Promise((resolve) => victim.server.close(resolve));
    victim.server.closeAllConnections();
    await closed;
  }

  async restart(names: readonly string[]): Promise<void> {
    for (const name of names) {
      const victim = this.#find(name);
      victim.server = this.#serverFor(name);
      await listen(victim.server, Number(new URL(victim.member.url).port));
      victim.isUp = true;
    }
  }

  async pause(name: string): Promise<void> {
    const victim = this.#find(name);
    const { promise, resolve } = Promise.withResolvers<void>();
    victim.resumed = promise;
    victim.resume = resolve;
  }

  async resume(name: string): Promise<void> {
    this.#find(name).resume();
  }

  async stop(): Promise<void> {
    for (const { member, isUp } of this.#servers) if (isUp) await this.kill(member.name);
  }

  #find(name: string): Server {
    const server = this.#servers.find(({ member }) => member.name === name);
    if (server === undefined) throw new Error(`no member ${name}`);
    return server;
  }

  #serverFor(name: string): http.Server {
    return http.createServer((request, response) => {
      this.#serve(name, request, response).catch((error: unknown) => {
        response.destroy(error instanceof Error ? error : new Error(String(error)));
      });
    });
  }

  async #serve(name: string, request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    const asked = await readRequest(request);
    await this.#find(name).resumed;
    await sleep(this.#random.below(3));
    // A request taken in takes effect even if the answer never gets out.
    const upCount = this.#servers.filter((server) => server.isUp).length;
    if (upCount * 2 <= this.#servers.length) {
      reply(response, 503, { code: "unavailable", outcome: "not_applied" });
      return;
    }
    const outcome = await this.#decide(asked);
    await sleep(this.#random.below(3));
    await this.#find(name).resumed;
    if (asked.action.kind !== "get" && this.#random.chance(LOST_ANSWER_CHANCE)) {
      response.destroy();
      return;
    }
    const isLie = this.#flaw === "false-failures" && asked.action.kind === "put";
    if (isLie && this.#random.chance(FLAW_CHANCE)) {
      reply(response, 503, { code: "unavailable", outcome: "not_applied" });
      return;
    }
    answer(response, outcome);
  }

  async #decide(asked: Asked): Promise<Outcome> {
    const { key, action, idempotencyKey, atRevision } = asked;
    if (action.kind === "get") return this.#read(key, action, atRevision);
    const known = idempotencyKey === null ? undefined : this.#answers.get(idempotencyKey);
    if (known !== undefined && this.#flaw !== "double-apply") return known;
    const racing = this.#flaw === "racy-cas" && action.kind === "cas";
    if (racing && (this.#now().get(key)?.modRevision ?? 0) === action.expected) {
      await sleep(2);
      return this.#apply(key, { kind: "put", value: action.value });
    }
    const outcome = this.#apply(key, action);
    if (idempotencyKey !== null) this.#answers.set(idempotencyKey, outcome);
    return outcome;
  }

  #read(key: string, action: Action, atRevision: number): Outcome {
    if (atRevision > 0) return this.#at(atRevision).apply(key, action);
    const isBehind = action.kind === "get" && action.consistency === "serializable";
    const isFlawed = this.#flaw === "stale-reads" && this.#random.chance(FLAW_CHANCE);
    const back = isBehind || isFlawed ? 1 + this.#random.below(5) : 0;
    return this.#at(Math.max(1, this.#now().revision - back)).apply(key, action);
  }

  #apply(key: string, action: Action): Outcome {
    const isLost = this.#flaw === "lost-writes" && this.#past.length > 2 && this.#random.chance(FLAW_CHANCE);
    const before = this.#now();
    const next = (isLost ? this.#at(before.revision - 1) : before).clone();
    next.revision = before.revision;
    const outcome = next.apply(key, action);
    if (next.revision > before.revision) this.#past.push(next);
    return outcome;
  }

  #now(): SequentialStore {
    return this.#at(this.#past.length);
  }

  /** Revisions begin at 1, one state each. */
  #at(revision: number): SequentialStore {
    const state = this.#past[revision - 1];
    if (state === undefined) throw new Error(`no revision ${revision}`);
    return state;
  }
}

export type { FakeCluster };

function listen(server: http.Server, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", () => resolve((server.address() as AddressInfo).port));
  });
}

async function readRequest(request: http.IncomingMessage): Promise<Asked> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  const url = new URL(request.url ?? "/", "http://fake");
  const { headers } = request;
  const tag = /"(\d+)"/.exec(headers["if-match"] ?? "")?.[1];
  const expected = headers["if-none-match"] === "*" ? 0 : tag === undefined ? null : Number(tag);
  const idempotencyKey = headers["idempotency-key"];
  return {
    key: url.pathname.slice(PATH_PREFIX.length),
    action: toAction(request.method ?? "", Buffer.concat(chunks).toString(), expected, url),
    idempotencyKey: typeof idempotencyKey === "string" ? idempotencyKey : null,
    atRevision: Number(url.searchParams.get("revision") ?? 0),
  };
}

function toAction(method: string, value: string, expected: number | null, url: URL): Action {
  if (method === "PUT") return expected === null ? { kind: "put", value } : { kind: "cas", value, expected };
  if (method === "DELETE") return { kind: "delete", expected };
  const isLocal = url.searchParams.get("consistency") === "serializable";
  return { kind: "get", consistency: isLocal ? "serializable" : "linearizable" };
}

function answer(response: http.ServerResponse, outcome: Outcome): void {
  switch (outcome.kind) {
    case "found":
      response.setHeader("ETag", `"${outcome.modRevision}"`);
      response.setHeader("X-Edged-Revision", outcome.revision);
      response.end(outcome.value);
      return;
    case "missing":
      response.setHeader("X-Edged-Revision", outcome.revision);
      reply(response, 404, { code: "key_not_found" });
      return;
    case "written":
      response.setHeader("ETag", `"${outcome.revision}"`);
      reply(response, 200, { revision: outcome.revision });
      return;
    case "refused":
      if (outcome.modRevision > 0) response.setHeader("ETag", `"${outcome.modRevision}"`);
      reply(response, 412, { code: "precondition_failed", revision: outcome.revision });
      return;
    case "deleted":
    case "nothing-deleted":
      reply(response, 200, { deleted: outcome.kind === "deleted" ? 1 : 0, revision: outcome.revision });
      return;
    default:
      throw new Error(`the store does not answer ${outcome.kind}`);
  }
}

function reply(response: http.ServerResponse, status: number, body: object): void {
  response.writeHead(status, { "Content-Type": "application/json" }).end(JSON.stringify(body));
}
