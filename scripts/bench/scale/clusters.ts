/** How many clusters, each of three replicas, one deployment has. */
import { setTimeout as sleep } from "node:timers/promises";
import { type HttpRequest, httpClient } from "../http-client.ts";
import { cpuTimeMs, residentMib } from "../machine.ts";
import { grouped, significant } from "../numbers.ts";
import { median } from "../statistics.ts";
import { startLocalRuntime } from "../subjects/local-runtime.ts";
import type { Subject } from "../subjects/subject.ts";
import { type Curve, type CurveMeasurement, Points, type ScaleContext, upTo } from "./curve.ts";
import { CLIENTS, loadHttp, originOf, warmUp } from "./load-http.ts";

const COUNTS = [1, 10, 100, 1_000];
const FIRST = "first put, p50 ms";
const VALUE = Buffer.alloc(256, "v");
/** Clusters that are made at the same time. */
const MAKERS = 32;
/** After the default QUIESCE_AFTER_MS and what the runtime waits before it lets objects go. */
const ASLEEP_AFTER_MS = 20_000;
const IDLE_SAMPLE_MS = 5_000;

export const CLUSTERS: CurveMeasurement = { id: "clusters", measure };

async function measure(context: ScaleContext): Promise<Curve> {
  await using runtime = await startLocalRuntime({ replicas: 3, vars: { ALLOW_CLUSTER_CREATE: "true" } });
  await warmUp(runtime, context);
  const origin = originOf(runtime);
  const points = new Points();
  const facts: string[] = [];
  let made = 0;
  for (const count of upTo(COUNTS, context)) {
    const firstMs = await makeClusters(origin, made, count, context);
    made += firstMs.length;
    points.add(FIRST, made, median(firstMs));
    context.tell(`${grouped(made)} clusters: puts to all in turn`);
    points.addRound("put", made, await loadHttp(runtime, putInTurn(made), context));
    const memory = residentMib(runtime.pids);
    if (memory !== null) points.add("memory of the runtime", made, memory);
    facts.push(await idleFact(runtime, made, context));
    if (made < count) {
      facts.push(`Making clusters was ended at ${grouped(made)} of ${grouped(count)}: no time left.`);
      break;
    }
  }
  return {
    id: "clusters",
    title: "Clusters in one deployment",
    xLabel: "clusters of three replicas, all in one workerd",
    xUnit: "count",
    panels: [
      ...points.panelsOf(["put"], CLIENTS),
      { title: "Milliseconds of a cluster's first put", series: points.of(FIRST) },
      { title: "MiB", series: points.of("memory of the runtime") },
    ],
    facts,
  };
}

const pathOf = (cluster: number): string => `/clusters/c${cluster}/kv/key`;

function putInTurn(clusters: number) {
  return (connection: number, n: number): HttpRequest => ({
    method: "PUT",
    path: pathOf((connection + n * CLIENTS) % clusters),
    body: VALUE,
  });
}

/** A cluster is made by its first put; answers how long each took, in milliseconds. */
async function makeClusters(
  origin: string,
  from: number,
  to: number,
  { signal, tell, preparationMs }: ScaleContext,
): Promise<readonly number[]> {
  const endMs = performance.now() + preparationMs;
  const times: number[] = [];
  let next = from;
  const make = async (): Promise<void> => {
    let cluster = 0;
    const client = httpClient(origin, () => ({ method: "PUT", path: pathOf(cluster), body: VALUE }));
    try {
      while (next < to && performance.now() < endMs && !signal.aborted) {
        cluster = next;
        next += 1;
        tell(`making clusters: ${grouped(cluster)} of ${grouped(to)}`);
        const startMs = performance.now();
        while (!(await client.call(0).catch(() => false))) signal.throwIfAborted();
        times.push(performance.now() - startMs);
      }
    } finally {
      await client.close();
    }
  };
  await Promise.all(Array.from({ length: MAKERS }, make));
  signal.throwIfAborted();
  return times;
}

/** What they cost when nobody asks. */
async function idleFact({ pids }: Subject, count: number, { signal, tell }: ScaleContext): Promise<string> {
  tell(`${grouped(count)} clusters: waiting until they sleep`);
  await sleep(ASLEEP_AFTER_MS, undefined, { signal });
  const before = cpuTimeMs(pids);
  await sleep(IDLE_SAMPLE_MS, undefined, { signal });
  const after = cpuTimeMs(pids);
  if (before === null || after === null) return "The system does not tell of CPU time.";
  const percent = (100 * (after - before)) / IDLE_SAMPLE_MS;
  return `${grouped(count)} sleeping: the runtime uses ${significant(percent)}% of a core.`;
}
