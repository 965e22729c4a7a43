/** How large values are. */
import { bytesText } from "../numbers.ts";
import { plainGet, plainPut } from "../requests.ts";
import { startLocalRuntime } from "../subjects/local-runtime.ts";
import { type Curve, type CurveMeasurement, Points, type ScaleContext, upTo } from "./curve.ts";
import { loadHttp, warmUp } from "./load-http.ts";

const SIZES = [64, 1_024, 16_384, 131_072, 1_048_576];
/** Fewer than elsewhere: with large values bytes under way count, not requests. */
const CLIENTS = 8;
const MIB = 1024 * 1024;

export const VALUE_SIZE: CurveMeasurement = { id: "value-size", measure };

async function measure(context: ScaleContext): Promise<Curve> {
  await using runtime = await startLocalRuntime({ replicas: 3 });
  await warmUp(runtime, context);
  const points = new Points();
  for (const bytes of upTo(SIZES, context)) {
    context.tell(`values of ${bytesText(bytes)}`);
    const put = await loadHttp(runtime, plainPut("/kv", Buffer.alloc(bytes, "v")), context, CLIENTS);
    const get = await loadHttp(runtime, plainGet("/kv"), context, CLIENTS);
    points.addRound("put", bytes, put);
    points.addRound("linearizable get", bytes, get);
    points.add("MiB put a second", bytes, (put.rate * bytes) / MIB);
    points.add("MiB got a second", bytes, (get.rate * bytes) / MIB);
  }
  return {
    id: "value-size",
    title: "Size of values",
    xLabel: "bytes of a value",
    xUnit: "bytes",
    panels: [
      ...points.panelsOf(["put", "linearizable get"], CLIENTS),
      { title: "MiB a second", series: points.of("MiB put a second", "MiB got a second") },
    ],
    facts: [],
  };
}
