/** A whole cluster in one workerd: the product's Worker with faults that a test switches on and off. */
import type { Readable } from "node:stream";
import { Miniflare } from "miniflare";
import { bundleWorker, readCompatibility } from "../../../scripts/cluster/bundle.ts";
import type { FaultRules } from "../entry/faults.ts";
import { eventually } from "./eventually.ts";
import { KvClient } from "./kv-client.ts";
import { LeaderBook } from "./leader-book.ts";

export interface WorkerClusterOptions {
  readonly replicas: number;
  /** Besides the defaults of these tests: short timers, anonymous access. */
  readonly vars?: Readonly<Record<string, string>>;
}

/** A fault that can be switched on together with others. */
export type Fault =
  | { readonly kind: "down"; readonly member: string }
  /** The member's clock stands still: it believes that no time passes. */
  | { readonly kind: "frozen-clock"; readonly member: string }
  /** Calls between members come late, overtake each other, or arrive twice. */
  | { readonly kind: "bad-network"; readonly delayMsMax: number }
  /** Nothing from the one reaches the other; the other way is open. */
  | { readonly kind: "one-way"; readonly from: string; readonly to: string }
  /** No member of one side reaches a member of another, either way. */
  | { readonly kind: "partition"; readonly sides: readonly (readonly string[])[] };

const VARS = {
  ALLOW_ANONYMOUS: "true",
  HEARTBEAT_MS: "50",
  ELECTION_MS: "300",
};
const SCRIPT = "edged-test";

/** One bundle for all clusters of a test file. */
let bundle: Promise<string> | null = null;

export function testBundle(): Promise<string> {
  bundle ??= bundleWorker("test/worker/entry/faulty-worker.ts");
  return bundle;
}

export class WorkerCluster implements AsyncDisposable {
  readonly members: readonly string[];
  readonly client: KvClient;
  readonly book: LeaderBook;
  readonly #miniflare: Miniflare;

  private constructor(miniflare: Miniflare, url: string, members: readonly string[]) {
    this.#miniflare = miniflare;
    this.members = members;
    this.book = new LeaderBook();
    this.client = new KvClient(url, this.book);
  }

  static async start({ replicas, vars = {} }: WorkerClusterOptions): Promise<WorkerCluster> {
    const members = Array.from({ length: replicas }, (_, position) => `r${position + 1}`);
    const miniflare = new Miniflare({
      host: "127.0.0.1",
      port: 0,
      cf: false,
      name: SCRIPT,
      modules: [{ type: "ESModule", path: "worker.mjs", contents: await testBundle() }],
      ...readCompatibility(),
      bindings: { INITIAL_CLUSTER: members.map((name) => `${name}=enam`).join(","), ...VARS, ...vars },
      durableObjects: { REPLICA: { className: "Replica", useSQLite: true } },
      handleRuntimeStdio: (stdout: Readable, stderr: Readable) => {
        for (const stream of [stdout, stderr]) {
          // Killing objects makes the runtime write much; it is worth reading only after a failure.
          if (process.env["EDGED_TEST_LOG"] === undefined) stream.resume();
          else stream.pipe(process.stderr, { end: false });
        }
      },
    });
    const url = await miniflare.ready;
    return new WorkerCluster(miniflare, url.href, members);
  }

  /** Replaces all faults by these; resolves when they are in force. Without any, everything heals. */
  async suffer(...faults: readonly Fault[]): Promise<void> {
    await this.#control("faults", {
      cuts: faults.flatMap(cutsOf),
      down: membersWith("down", faults),
      frozen: membersWith("frozen-clock", faults),
      delayMsMax: Math.max(
        0,
        ...faults.map((fault) => (fault.kind === "bad-network" ? fault.delayMsMax : 0)),
      ),
    } satisfies FaultRules);
  }

  heal(): Promise<void> {
    return this.suffer();
  }

  /** The members lose their memory at once, in the middle of whatever they do. */
  async abort(...members: readonly string[]): Promise<void> {
    await this.#control("abort", members);
  }

  /** The member loses its database, as an object whose storage was deleted by mistake. */
  async wipe(member: string): Promise<void> {
    await this.#control("wipe", [member]);
  }

  /** The platform's own eviction: waits for what is under way, then drops the memory. */
  async evict(member: string): Promise<void> {
    await this.#miniflare.unsafeEvictDurableObject(SCRIPT, "Replica", { name: `default/${member}` });
  }

  /** How many instances of each member have begun so far. */
  async starts(): Promise<Readonly<Record<string, number>>> {
    const starts = (await this.#control("starts", {})) as Readonly<Record<string, number>>;
    return Object.fromEntries(
      Object.entries(starts).map(([name, count]) => [name.replace("default/", ""), count]),
    );
  }

  /** Calls that members have made to each other so far, and how many of them have an alarm set. */
  async rest(): Promise<{ readonly calls: number; readonly alarms: number }> {
    return (await this.#control("rest", this.members)) as { calls: number; alarms: number };
  }

  /** Terms in which more than one replica acted or was named as leader. */
  async leaderConflicts(): Promise<readonly string[]> {
    const report = (await this.#control("ledger", {})) as LeaderBook;
    for (const { term, leaders } of report.terms) {
      for (const leader of leaders) this.book.note(term, leader);
    }
    return this.book.conflicts;
  }

  /** Gateways forget all that they have learned, as isolates that have just started. */
  async forgetGateways(): Promise<void> {
    await this.#control("forget", {});
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#miniflare.dispose();
  }

  async #control(path: string, body: unknown): Promise<unknown> {
    const { status, json, text } = await this.client.request(
      "POST",
      `/_control/${path}`,
      JSON.stringify(body),
    );
    if (status !== 200) throw new Error(`control ${path}: ${status} ${text}`);
    return json;
  }
}

function membersWith(kind: "down" | "frozen-clock", faults: readonly Fault[]): string[] {
  return faults.flatMap((fault) => (fault.kind === kind ? [fault.member] : []));
}

function cutsOf(fault: Fault): FaultRules["cuts"] {
  switch (fault.kind) {
    case "down":
    case "frozen-clock":
    case "bad-network":
      return [];
    case "one-way":
      return [{ from: fault.from, to: fault.to }];
    case "partition":
      return fault.sides.flatMap((side) =>
        fault.sides
          .filter((other) => other !== side)
          .flatMap((other) => side.flatMap((from) => other.map((to) => ({ from, to })))),
      );
    default:
      return fault satisfies never;
  }
}

/** Waits until a write is acknowledged, repeating it under one Idempotency-Key. */
export async function putUntilAcked(
  client: KvClient,
  key: string,
  value: string,
  operation: string,
): Promise<number> {
  let last = "";
  return eventually(
    `${key} is written`,
    async () => {
      const answer = await client.put(key, value, { headers: { "Idempotency-Key": operation } });
      last = `${answer.status} ${answer.text}`;
      return answer.status === 200 ? answer.modRevision : null;
    },
    () => last,
  );
}
