/**
 * Clients that go on writing whatever happens, each write repeated under one Idempotency-Key until
 * it is acknowledged; afterwards each must be there exactly once.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { eventually } from "./eventually.ts";
import type { Content, KvClient } from "./kv-client.ts";

interface Acked {
  readonly key: string;
  readonly value: string;
  readonly modRevision: number;
}

const CLIENTS = 6;
/** An attempt that takes longer goes on at another gateway. */
const ATTEMPT_MS = 4_000;
const PAUSE_MS = 10;

export class WriteLoad {
  readonly #gateways: readonly KvClient[];
  readonly #name: string;
  readonly #acked: Acked[] = [];
  readonly #running: Promise<void>;
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
    const target = this.#acked.length + more;
    await eventually(
      `${more} more writes are acknowledged`,
      async () => (this.#acked.length >= target ? true : null),
      () => `${this.#acked.length} of ${target}`,
    );
  }

  /** Ends the load when every write begun is acknowledged. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#running;
  }

  /**
   * What is wrong with `content`: acknowledged writes that are missing or were applied twice, and
   * changes nobody asked for since revision `before`.
   */
  problems(content: Content, before: number): readonly string[] {
    const found = new Map(content.keys.map((key) => [key.key, key]));
    const wrong = this.#acked.flatMap(({ key, value, modRevision }) => {
      const is = found.get(key);
      const good =
        is !== undefined &&
        is.value === value &&
        is.version === 1 &&
        is.create_revision === modRevision &&
        is.mod_revision === modRevision;
      return good ? [] : [`${key} was acknowledged at ${modRevision}, and is ${JSON.stringify(is)}`];
    });
    const changes = content.revision - before;
    if (changes === this.#acked.length) return wrong;
    return [...wrong, `${this.#acked.length} writes were acknowledged, ${changes} were applied`];
  }

  async #run(client: number): Promise<void> {
    for (let i = 0; !this.#stopped; i += 1) {
      const key = `${this.#name}-${client}-${i}`;
      const value = `value of ${key}`;
      this.#acked.push({ key, value, modRevision: await this.#write(client + i, key, value) });
    }
  }

  async #write(first: number, key: string, value: string): Promise<number> {
    const options = { headers: { "Idempotency-Key": key }, timeoutMs: ATTEMPT_MS };
    for (let attempt = first; ; attempt += 1) {
      const gateway = this.#gateways[attempt % this.#gateways.length];
      // A process that is dead, or dies meanwhile, breaks the connection.
      const answer = await gateway?.put(key, value, options).catch(() => null);
      if (answer?.status === 200 && answer.modRevision !== null) return answer.modRevision;
      if (answer !== undefined && answer !== null && answer.status !== 503) {
        throw new Error(`${key}: ${answer.status} ${answer.text}`);
      }
      await sleep(PAUSE_MS);
    }
  }
}
