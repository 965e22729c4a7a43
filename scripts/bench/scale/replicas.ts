/** How many replicas a cluster has. */
import { plainGet, plainPut } from "../requests.ts";
import { startLocalRuntime } from "../subjects/local-runtime.ts";
import { type Curve, type CurveMeasurement, Points, type ScaleContext, upTo } from "./curve.ts";
import { CLIENTS, loadHttp, warmUp } from "./load-http.ts";

const COUNTS = [1, 3, 5, 7];
const VALUE = Buffer.alloc(256, "v");

export const REPLICAS: CurveMeasurement = { id: "replicas", measure };

async function measure(context: ScaleContext): Promise<Curve> {
  const points = new Points();
  for (const replicas of upTo(COUNTS, context)) {
    await using runtime = await startLocalRuntime({ replicas });
    await warmUp(runtime, context);
    context.tell(`${replicas} replicas`);
    for (const [name, request] of REQUESTS) {
      points.addRound(name, replicas, await loadHttp(runtime, request, context));
    }
  }
  const names = REQUESTS.map(([name]) => name);
  return {
    id: "replicas",
    title: "Number of replicas",
    xLabel: "replicas, all in one workerd",
    xUnit: "count",
    panels: points.panelsOf(names, CLIENTS),
    facts: [],
  };
}

/** Puts come first: they write what is read then. */
const REQUESTS = [
  ["put", plainPut("/kv", VALUE)],
  ["linearizable get", plainGet("/kv")],
  ["serializable get", plainGet("/kv", "?consistency=serializable")],
] as const;
