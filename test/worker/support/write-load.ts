/**
 * Clients that go on writing whatever happens, each write to a key of its own. Afterwards what each
 * was told is compared with what is there.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { assertNever } from "../../../src/base/assert.ts";
import { eventually } from "./eventually.ts";
import type { Content, KvClient, ListedKey } from "./kv-client.ts";

/** What a client was told of one write. */
type Fate =
  | { readonly kind: "acked"; readonly modRevision: number }
  /** "Not applied": it must never be seen. */
  | { readonly kind: "refused" }
  /** Unknown, or the connection broke: it may be there, but once. */
  | { readonly kind: "unknown" };

interface Write {
  readonly key: string;
  readonly value: string;
  readonly fate: Fate;
}

/** Two of three repeat each write under one Idempotency-Key until it is acknowledged; the third never repeats. */
const CLIENTS = 6;
const KINDS = 3;
/** An attempt that takes longer is repeated at another gateway. */
const REPEAT_MS = 4_000;
/** Above the gateway's own budget of time. */
const ATTEMPT_MS = 15_000;
const PAUSE_MS = 10;

export class WriteLoad {
  readonly #gateways: readonly KvClient[];
  readonly #name: string;
  readonly #writes: Write[] = [];
  readonly #running: Promise<void>;
  #acked = 0;
  #stopped = false;

  /** `name` starts every key. */
  constructor(gateways: readonly KvClient[], name: string) {
    this.#gateways = gateways;
    this.#name = name;
    this.#running = Promise.all(Array.from({ length: CLIENTS }, (_, client) => this.#run(client))).then(
      () => undefined,
    );
  }

  /** Waits until so many more writes are acknowledged: the cluster works, the load is in its middle. */
  async untilAcked(more: number): Promise<void> {
    const target = this.#acked + more;
    await eventually(
      `${more} more writes are acknowledged`,
      async () => (this.#acked >= target ? true : null),
      () => `${this.#acked} of ${target}`,
    );
  }

  /** Ends the load when the fate of every write begun is known. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#running;
  }

  /**
   * What is wrong with `content`: acknowledged writes that are missing, refused ones that are there,
   * any that were applied twice, and changes nobody asked for since revision `before`.
   */
  problems(content: Content, before: number): readonly string[] {
    const found = new Map(content.keys.map((key) => [key.key, key]));
    const wrong = this.#writes
      .filter((write) => !isRight(write, found.get(write.key)))
      .map((write) => `${JSON.stringify(write)} is ${JSON.stringify(found.get(write.key))}`);
    const present = this.#writes.filter(({ key }) => found.has(key)).length;
    const changes = content.revision - before;
    if (changes === present) return wrong;
    return [...wrong, `${present} of the writes are there, but ${changes} were applied`];
  }

  async #run(client: number): Promise<void> {
    for (let i = 0; !this.#stopped; i += 1) {
      const key = `${this.#name}-${client}-${i}`;
      const value = `value of ${key}`;
      const repeats = client % KINDS !== 0;
      const fate = repeats
        ? await this.#repeat(client + i, key, value)
        : await this.#attempt(client + i, key, value, null);
      this.#writes.push({ key, value, fate });
      if (fate.kind === "acked") this.#acked += 1;
      else await sleep(PAUSE_MS);
    }
  }

  async #repeat(first: number, key: string, value: string): Promise<Fate> {
    for (let attempt = first; ; attempt += 1) {
      const fate = await this.#attempt(attempt, key, value, key);
      if (fate.kind === "acked") return fate;
      await sleep(PAUSE_MS);
    }
  }

  async #attempt(position: number, key: string, value: string, operation: string | null): Promise<Fate> {
    const gateway = this.#gateways[position % this.#gateways.length];
    const options =
      operation === null
        ? { timeoutMs: ATTEMPT_MS }
        : { timeoutMs: REPEAT_MS, headers: { "Idempotency-Key": operation } };
    // A process that is dead, or dies meanwhile, breaks the connection.
    const answer = await gateway?.put(key, value, options).catch(() => null);
    if (answer === undefined || answer === null) return { kind: "unknown" };
    if (answer.status === 200 && answer.modRevision !== null) {
      return { kind: "acked", modRevision: answer.modRevision };
    }
    if (answer.status !== 503) throw new Error(`${key}: ${answer.status} ${answer.text}`);
    return { kind: answer.json?.["outcome"] === "not_applied" ? "refused" : "unknown" };
  }
}

function isRight({ value, fate }: Write, found: ListedKey | undefined): boolean {
  const once =
    found !== undefined &&
    found.value === value &&
    found.version === 1 &&
    found.create_revision === found.mod_revision;
  switch (fate.kind) {
    case "acked":
      return once && found.mod_revision === fate.modRevision;
    case "refused":
      return found === undefined;
    case "unknown":
      return once || found === undefined;
    default:
      return assertNever(fate, "fate");
  }
}
