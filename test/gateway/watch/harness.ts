/** A gateway over replicas that share one real store and answer watches as engines do. */
import { expect } from "vitest";
import { parseConfig } from "../../../src/durable/config.ts";
import type { ReplicaHeader, Unavailable, WatchCall, WatchReply } from "../../../src/engine/replica-api.ts";
import { createApp } from "../../../src/gateway/app.ts";
import type { Clock, ReplicaClient } from "../../../src/gateway/ports.ts";
import { WatchStore } from "../../engine/watch-store.ts";
import { bytes, deleteOf, putOf } from "../../mvcc/harness.ts";
import { ENV, FakeEntropy, FakeStore, fakeReplicas, header, unavailable } from "../fakes.ts";

/** Sleeps end when the test says that time has passed. */
export class ManualClock implements Clock {
  #now = 1_000;
  #sleepers: { readonly until: number; readonly wake: () => void }[] = [];

  nowMs(): number {
    return this.#now;
  }

  sleep(durationMs: number): Promise<void> {
    return new Promise((wake) => {
      this.#sleepers.push({ until: this.#now + durationMs, wake });
    });
  }

  async advance(durationMs: number): Promise<void> {
    this.#now += durationMs;
    const due = this.#sleepers.filter(({ until }) => until <= this.#now);
    this.#sleepers = this.#sleepers.filter(({ until }) => until > this.#now);
    for (const { wake } of due) wake();
    await settled();
  }
}

/** Everything that can happen without time passing has happened. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

export interface Asked {
  readonly member: string;
  readonly call: WatchCall;
}

export class WatchGateway {
  readonly watched = new WatchStore();
  readonly clock = new ManualClock();
  readonly asked: Asked[] = [];
  readonly logged: unknown[] = [];
  /** Answers instead of a member, while there is an entry. */
  readonly instead = new Map<string, (asked: Asked) => Promise<WatchReply> | WatchReply>();
  /** Changes what a member would answer. */
  twist: (asked: Asked, reply: WatchReply) => WatchReply = (_asked, reply) => reply;
  readonly #app;

  constructor() {
    const plain = fakeReplicas(new FakeStore());
    const directory = (cluster: string, member: string): ReplicaClient => ({
      ...plain.directory(cluster, member),
      watch: (call) => this.#watch({ member, call }),
    });
    const { app } = createApp({
      config: parseConfig(ENV),
      replicas: () => directory,
      clock: this.clock,
      entropy: new FakeEntropy(),
      log: (_message, error) => this.logged.push(error),
    });
    this.#app = app;
  }

  put(key: string, value: string): void {
    this.watched.apply(putOf({ key: bytes(key), value: bytes(value) }));
  }

  delete(key: string): void {
    this.watched.apply(deleteOf({ key: bytes(key) }));
  }

  header(member: string): ReplicaHeader {
    return header(member, { revision: this.watched.store.machine.state().revision });
  }

  async request(path: string, init: RequestInit): Promise<Response> {
    return this.#app.request(path, init);
  }

  /** A stream of etcd's Watch service. */
  async watch(...requests: readonly unknown[]): Promise<Reader> {
    const body = requests.map((request) => JSON.stringify(request)).join("");
    return this.stream("/v3/watch", { method: "POST", body });
  }

  async stream(path: string, init: RequestInit): Promise<Reader> {
    const response = await this.request(path, init);
    expect(response.status, await (response.ok ? "" : response.text())).toBe(200);
    return new Reader(response);
  }

  /** All members fail in the same way, or none. */
  failAll(reply: Unavailable | null): void {
    for (const member of ["r1", "r2", "r3"]) {
      if (reply === null) this.instead.delete(member);
      else this.instead.set(member, () => reply);
    }
  }

  #watch(asked: Asked): Promise<WatchReply> {
    this.asked.push(asked);
    const instead = this.instead.get(asked.member);
    if (instead !== undefined) return Promise.resolve(instead(asked));
    return new Promise((resolve) => {
      const accepted = this.watched.watch(asked.call, 0, (findings) => {
        const reply = { kind: "watched", header: this.header(asked.member), ...findings } as const;
        resolve(this.twist(asked, reply));
      });
      if (!accepted) resolve(unavailable("overloaded", { header: this.header(asked.member) }));
    });
  }
}

/** A body, chunk by chunk. */
export class Reader {
  readonly response: Response;
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  #next: Promise<string | null> | null = null;

  constructor(response: Response) {
    this.response = response;
    if (response.body === null) throw new Error("no body");
    this.#reader = response.body.getReader();
  }

  /** The next chunk; null at the end. */
  async chunk(): Promise<string | null> {
    const next = this.#read();
    this.#next = null;
    return next;
  }

  /** The next message of etcd's stream. A chunk is exactly one. */
  async message(): Promise<Record<string, unknown>> {
    const chunk = await this.chunk();
    expect(chunk).toMatch(/^[^\n]+\n$/);
    const message: unknown = JSON.parse(chunk ?? "null");
    return message as Record<string, unknown>;
  }

  async messages(count: number): Promise<string[]> {
    const told: string[] = [];
    for (let i = 0; i < count; i += 1) told.push(inShort(await this.message()));
    return told;
  }

  /** Nothing comes without time passing. */
  async expectSilence(): Promise<void> {
    await settled();
    const silent = Symbol("silent");
    expect(await Promise.race([this.#read(), Promise.resolve(silent)])).toBe(silent);
  }

  cancel(): Promise<void> {
    return this.#reader.cancel();
  }

  #read(): Promise<string | null> {
    this.#next ??= this.#reader
      .read()
      .then(({ done, value }) => (done ? null : new TextDecoder().decode(value)));
    return this.#next;
  }
}

interface Result {
  readonly header?: { readonly revision?: string };
  readonly watch_id?: string;
  readonly events?: readonly {
    readonly type?: string;
    readonly kv: { readonly key: string; readonly value?: string; readonly mod_revision: string };
    readonly prev_kv?: { readonly value?: string };
  }[];
  readonly [flag: string]: unknown;
}

/** `@revision #watch flags key=value at revision`: all that tests look at. */
export function inShort(message: Record<string, unknown>): string {
  const result = message["result"] as Result | undefined;
  if (result === undefined) return JSON.stringify(message);
  const { header: at, watch_id: id = "0", events = [], ...flags } = result;
  const told = events.map(({ type, kv, prev_kv: before }) => {
    const value = type === "DELETE" ? "!" : `=${atob(kv.value ?? "")}`;
    const old = before === undefined ? "" : `(${atob(before.value ?? "")})`;
    return `${atob(kv.key)}${value}${old}@${kv.mod_revision}`;
  });
  const flagged = Object.entries(flags).map(([name, value]) => (value === true ? name : `${name}:${value}`));
  return [`@${at?.revision ?? "-"}`, `#${id}`, ...flagged, ...told].join(" ");
}

export const b64 = (text: string): string => btoa(text);
