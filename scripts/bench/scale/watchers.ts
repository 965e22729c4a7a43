/** How many watch. */
import { type HttpRequest, httpClient } from "../http-client.ts";
import { grouped } from "../numbers.ts";
import { plainPut } from "../requests.ts";
import { median } from "../statistics.ts";
import { startLocalRuntime } from "../subjects/local-runtime.ts";
import { type Curve, type CurveMeasurement, Points, type ScaleContext, upTo } from "./curve.ts";
import { CLIENTS, loadHttp, originOf, warmUp } from "./load-http.ts";
import { WatchStream } from "./watch-stream.ts";

const COUNTS = [1, 10, 100, 1_000, 10_000];
/** More watchers than these share streams: clients of etcd put all their watches on one. */
const STREAMS_MAX = 100;
const VALUE = Buffer.alloc(256, "v");
const TOLD = "put until all are told, p50 ms";
const EVENTS = "events told a second";
const WATCHED = "watched";
const PUTS_MAX = 40;
const PATIENCE_MS = 60_000;

export const WATCHERS: CurveMeasurement = { id: "watchers", measure };

async function measure(context: ScaleContext): Promise<Curve> {
  await using runtime = await startLocalRuntime({ replicas: 3 });
  await warmUp(runtime, context);
  const origin = originOf(runtime);
  const points = new Points();
  for (const count of upTo(COUNTS, context)) {
    context.tell(`${grouped(count)} watchers of other keys`);
    await watching(
      origin,
      count,
      (i) => `other${i}`,
      context,
      async () => {
        points.addRound("put", count, await loadHttp(runtime, plainPut("/kv", VALUE), context));
      },
    );
    context.tell(`${grouped(count)} watchers of one key`);
    await watching(
      origin,
      count,
      () => WATCHED,
      context,
      async (crowd) => {
        const times = await toldTimes(origin, crowd, count, context);
        points.add(TOLD, count, median(times));
        points.add(EVENTS, count, (1_000 * count) / median(times));
      },
    );
  }
  return {
    id: "watchers",
    title: "Watchers",
    xLabel: "watchers, on at most 100 streams",
    xUnit: "count",
    panels: [
      { title: "Milliseconds from a put until all watchers are told", series: points.of(TOLD) },
      { title: "Events told a second", series: points.of(EVENTS) },
      ...points.panelsOf(["put"], CLIENTS),
    ],
    facts: ["Requests are puts of keys that nobody watches."],
  };
}

/** Streams that are counted together. */
class Crowd {
  readonly #streams: readonly WatchStream[];
  #wake: () => void = () => undefined;

  constructor(origin: string, keys: readonly (readonly string[])[]) {
    this.#streams = keys.map((some) => new WatchStream(origin, some, () => this.#wake()));
  }

  /** Resolves when all together have come so far. */
  async until(count: (stream: WatchStream) => number, total: number, signal: AbortSignal): Promise<void> {
    const endMs = performance.now() + PATIENCE_MS;
    while (this.#streams.reduce((sum, stream) => sum + count(stream), 0) < total) {
      signal.throwIfAborted();
      for (const { failure } of this.#streams) if (failure !== null) throw failure;
      const leftMs = endMs - performance.now();
      if (leftMs <= 0) throw new Error("watchers were not told in time");
      await new Promise<void>((woken) => {
        const timer = setTimeout(woken, Math.min(leftMs, 1_000));
        this.#wake = () => {
          clearTimeout(timer);
          woken();
        };
      });
    }
  }

  async close(): Promise<void> {
    await Promise.all(this.#streams.map((stream) => stream.close()));
  }
}

async function watching(
  origin: string,
  count: number,
  keyOf: (watcher: number) => string,
  { signal }: ScaleContext,
  run: (crowd: Crowd) => Promise<void>,
): Promise<void> {
  const streams = Math.min(count, STREAMS_MAX);
  const keys = Array.from({ length: streams }, (_, stream) => {
    const own = Math.floor(count / streams) + (stream < count % streams ? 1 : 0);
    return Array.from({ length: own }, (_, i) => keyOf(stream + i * streams));
  });
  const crowd = new Crowd(origin, keys);
  try {
    await crowd.until((stream) => stream.created, count, signal);
    await run(crowd);
  } finally {
    await crowd.close();
  }
}

/** One put after the other; milliseconds from sending each until the last watcher was told. */
async function toldTimes(
  origin: string,
  crowd: Crowd,
  count: number,
  { durationMs, signal }: ScaleContext,
): Promise<readonly number[]> {
  const request: HttpRequest = { method: "PUT", path: `/kv/${WATCHED}`, body: VALUE };
  const client = httpClient(origin, () => request);
  const endMs = performance.now() + durationMs;
  const times: number[] = [];
  try {
    while (times.length === 0 || (performance.now() < endMs && times.length < PUTS_MAX)) {
      const startMs = performance.now();
      if (!(await client.call(0))) throw new Error("a put was refused");
      await crowd.until((stream) => stream.events, count * (times.length + 1), signal);
      times.push(performance.now() - startMs);
    }
  } finally {
    await client.close();
  }
  return times;
}
