/**
 * `node scripts/bench/large.ts`: a store of many keys. Times of a prefix range, a count, a compaction
 * and a replica's cold start, and the memory of the runtime that holds gateway and replicas together.
 * What counts is the ratio between sizes: times are of whatever else the machine does.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { Miniflare } from "miniflare";
import { bundleWorker, readCompatibility } from "../cluster/bundle.ts";

const SCRIPT = "edged-large";
const OPERATIONS = 128;

interface Measured {
  readonly what: string;
  readonly ms: number;
  readonly detail?: string;
}

const { values } = parseArgs({
  options: {
    keys: { type: "string", default: "100000" },
    bytes: { type: "string", default: "1024" },
    replicas: { type: "string", default: "3" },
    "cold-start": { type: "string", default: "1000,1000000" },
  },
});

const base64 = (text: string): string => Buffer.from(text).toString("base64");

class Subject implements AsyncDisposable {
  readonly url: string;
  readonly #miniflare: Miniflare;
  readonly #folder: string;

  private constructor(miniflare: Miniflare, url: string, folder: string) {
    this.#miniflare = miniflare;
    this.url = url;
    this.#folder = folder;
  }

  static async start(replicas: number): Promise<Subject> {
    const folder = mkdtempSync(join(tmpdir(), "edged-large-"));
    const miniflare = new Miniflare({
      host: "127.0.0.1",
      port: 0,
      cf: false,
      name: SCRIPT,
      modules: [{ type: "ESModule", path: "worker.mjs", contents: await bundleWorker("src/index.ts") }],
      ...readCompatibility(),
      bindings: {
        INITIAL_CLUSTER: Array.from({ length: replicas }, (_, i) => `r${i + 1}=enam`).join(","),
        ALLOW_ANONYMOUS: "true",
        QUOTA_BYTES: String(9 * 1024 ** 3),
      },
      durableObjects: { REPLICA: { className: "Replica", useSQLite: true } },
      durableObjectsPersist: folder,
    });
    const { origin } = await miniflare.ready;
    return new Subject(miniflare, origin, folder);
  }

  async post(path: string, body: unknown): Promise<Response> {
    const response = await fetch(`${this.url}/v3/${path}`, { method: "POST", body: JSON.stringify(body) });
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
    return response;
  }

  /** Writes `count` keys k0000000... with values of `bytes`. */
  async fill(count: number, bytes: number): Promise<void> {
    const value = base64("v".repeat(bytes));
    let next = 0;
    const worker = async (): Promise<void> => {
      while (next < count) {
        const from = next;
        next += OPERATIONS;
        const length = Math.min(OPERATIONS, count - from);
        const success = Array.from({ length }, (_, i) => ({
          request_put: { key: base64(`k${String(from + i).padStart(8, "0")}`), value },
        }));
        await this.post("kv/txn", { success });
      }
    };
    await Promise.all([worker(), worker(), worker(), worker()]);
  }

  /** The replica loses its memory; how long until it answers from its own rows. */
  async coldStart(member: string): Promise<number> {
    await this.#miniflare.unsafeEvictDurableObject(SCRIPT, "Replica", { name: `default/${member}` });
    const began = performance.now();
    const response = await fetch(`${this.url}/kv/k00000500?consistency=serializable`, {
      headers: { "X-Edged-Replica": member },
    });
    await response.arrayBuffer();
    if (response.status !== 200) throw new Error(`cold start: ${response.status}`);
    return performance.now() - began;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#miniflare.dispose();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

async function timed(what: string, run: () => Promise<string | undefined>): Promise<Measured> {
  const began = performance.now();
  const detail = await run();
  const ms = performance.now() - began;
  return detail === undefined ? { what, ms } : { what, ms, detail };
}

/** Reads an answer to its end without keeping it; how many bytes it had, and whether it ended as it should. */
async function drain(response: Response): Promise<string> {
  let bytes = 0;
  let end = "";
  for await (const chunk of response.body ?? []) {
    bytes += chunk.length;
    end = (end + Buffer.from(chunk.subarray(-64)).toString()).slice(-64);
  }
  return `${(bytes / 2 ** 20).toFixed(0)} MiB, ends ${end.slice(-24)}`;
}

/** MiB that the runtime holds now and held at most, from /proc; it is the only child that is a workerd. */
function runtimeMemory(): string {
  for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
    try {
      const status = readFileSync(`/proc/${pid}/status`, "utf8");
      const field = (name: string) => Number(new RegExp(`^${name}:\\s*(\\d+)`, "m").exec(status)?.[1] ?? 0);
      if (!/^Name:\s*workerd/m.test(status) || field("PPid") !== process.pid) continue;
      return `${(field("VmRSS") / 1024).toFixed(0)} MiB now, ${(field("VmHWM") / 1024).toFixed(0)} MiB at most`;
    } catch {
      // It ended meanwhile.
    }
  }
  return "unknown";
}

function tell({ what, ms, detail }: Measured): void {
  const note = `${detail ?? ""}; memory of the runtime ${runtimeMemory()}`;
  console.log(`${what.padEnd(34)} ${ms.toFixed(0).padStart(8)} ms  ${note}`);
}

async function measureStore(keys: number, bytes: number, replicas: number): Promise<void> {
  await using subject = await Subject.start(replicas);
  const range = { key: base64("k"), range_end: base64("l") };
  tell(
    await timed(`fill ${keys} keys of ${bytes} bytes`, async () => void (await subject.fill(keys, bytes))),
  );
  tell(await timed("range of all, streamed", async () => drain(await subject.post("kv/range", range))));
  const counted = { ...range, count_only: true };
  tell(await timed("count of all", async () => drain(await subject.post("kv/range", counted))));
  const limited = { ...range, limit: 10 };
  tell(
    await timed("first ten of all, with count", async () => drain(await subject.post("kv/range", limited))),
  );
  const { header } = (await (await subject.post("kv/range", counted)).json()) as {
    header: { revision: string };
  };
  tell(
    await timed("compaction of all history", async () => drain(await subject.post("kv/compaction", header))),
  );
  tell(await timed("hash of all", async () => drain(await subject.post("maintenance/hash", {}))));
  for (const member of replicas > 1 ? ["r1", "r2"] : ["r1"]) {
    tell({ what: `cold start of ${member}, with a read`, ms: await subject.coldStart(member) });
  }
}

/** The median of several cold starts of a lone replica that holds so many small keys. */
async function coldStartOf(keys: number): Promise<number> {
  await using subject = await Subject.start(1);
  await subject.fill(keys, 32);
  const times: number[] = [];
  for (let i = 0; i < 7; i += 1) times.push(await subject.coldStart("r1"));
  times.sort((a, b) => a - b);
  return times[3] ?? 0;
}

await measureStore(Number(values.keys), Number(values.bytes), Number(values.replicas));
const sizes = values["cold-start"]
  .split(",")
  .map(Number)
  .filter((size) => size > 0);
const starts: number[] = [];
for (const size of sizes) {
  const ms = await coldStartOf(size);
  starts.push(ms);
  console.log(`cold start with ${size} keys`.padEnd(34), `${ms.toFixed(1).padStart(8)} ms`);
}
if (starts.length > 1) {
  console.log(`ratio ${((starts.at(-1) ?? 0) / (starts[0] ?? 1)).toFixed(2)}`);
}
