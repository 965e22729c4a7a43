/** How many keys a store has. */
import { fillRequests, sendAll } from "../fill.ts";
import type { HttpRequest } from "../http-client.ts";
import { grouped } from "../numbers.ts";
import { startLocalRuntime } from "../subjects/local-runtime.ts";
import { type Curve, type CurveMeasurement, Points, type ScaleContext, upTo } from "./curve.ts";
import { CLIENTS, loadHttp, originOf, scattered, warmUp } from "./load-http.ts";

const COUNTS = [1_000, 10_000, 100_000, 1_000_000];
const VALUE = Buffer.alloc(64, "v");
/** Keys that are sent before it is looked at the clock. */
const STEP = 4_096;

export const KEYS: CurveMeasurement = { id: "keys", measure };

async function measure(context: ScaleContext): Promise<Curve> {
  await using runtime = await startLocalRuntime({ replicas: 3 });
  await warmUp(runtime, context);
  const origin = originOf(runtime);
  const points = new Points();
  const facts: string[] = [];
  let filled = 0;
  for (const count of upTo(COUNTS, context)) {
    filled = await fillUpTo(origin, filled, count, context);
    for (const { name, request } of requests(filled)) {
      context.tell(`${grouped(filled)} keys: ${name}`);
      points.addRound(name, filled, await loadHttp(runtime, request, context));
    }
    if (filled < count) {
      facts.push(`Writing keys was ended at ${grouped(filled)} of ${grouped(count)}: no time left.`);
      break;
    }
  }
  const names = requests(1).map(({ name }) => name);
  return {
    id: "keys",
    title: "Number of keys",
    xLabel: "keys in the store, values of 64 bytes",
    xUnit: "count",
    panels: points.panelsOf(names, CLIENTS),
    facts,
  };
}

const nameOf = (key: number): string => `n${String(key).padStart(8, "0")}`;

/** Answers how many there are in the end. */
async function fillUpTo(origin: string, from: number, to: number, context: ScaleContext): Promise<number> {
  const endMs = performance.now() + context.preparationMs;
  let filled = from;
  while (filled < to && performance.now() < endMs) {
    context.tell(`writing keys: ${grouped(filled)} of ${grouped(to)}`);
    const first = filled;
    const keys = Array.from({ length: Math.min(STEP, to - first) }, (_, i) => nameOf(first + i));
    await sendAll(origin, fillRequests(keys, VALUE), context.signal);
    filled += keys.length;
  }
  return filled;
}

function requests(count: number) {
  const path = (connection: number, n: number): string => `/kv/${nameOf(scattered(connection, n, count))}`;
  const get =
    (query: string) =>
    (connection: number, n: number): HttpRequest => ({
      method: "GET",
      path: `${path(connection, n)}${query}`,
      body: null,
    });
  const put = (connection: number, n: number): HttpRequest => ({
    method: "PUT",
    path: path(connection, n),
    body: VALUE,
  });
  return [
    { name: "put", request: put },
    { name: "linearizable get", request: get("") },
    { name: "serializable get", request: get("?consistency=serializable") },
  ];
}
