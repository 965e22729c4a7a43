/** How large values are. */
import { bytesText } from "../numbers.ts";
import { plainGet, plainPut } from "../requests.ts";
import { startLocalRuntime } from "../subjects/local-runtime.ts";
import { type Curve, type CurveMeasurement, Points, type ScaleContext, upTo } from "./curve.ts";
import { loadHttp } from "./load.ts";

const SIZES = [64, 1_024, 16_384, 131_072, 1_048_576];
/** Fewer than elsewhere: with large values bytes under way count, not requests. */
const CLIENTS = 8;
const MIB = 1024 * 1024;

export const VALUE_SIZE: CurveMeasurement = { id: "value-size", measure };

async function measure(context: ScaleContext): Promise<Curve> {
  await using runtime = await startLocalRuntime({ replicas: 3 });
  const origin = runtime.urls[0] ?? "";
  const points = new Points();
  for (const bytes of upTo(SIZES, context)) {
    context.tell(`values of ${bytesText(bytes)}`);
    const put = await loadHttp(origin, plainPut("/kv", Buffer.alloc(bytes, "v")), context, CLIENTS);
    const get = await loadHttp(origin, plainGet("/kv"), context, CLIENTS);
    for (const [name, measured] of [
      ["put", put],
      ["linearizable get", get],
    ] as const) {
      points.add(name, bytes, measured.rate);
      points.add(`${name}, p50`, bytes, measured.p50);
      points.add(`${name}, MiB a second`, bytes, (measured.rate * bytes) / MIB);
    }
  }
  const named = (suffix: string) => points.of(`put${suffix}`, `linearizable get${suffix}`);
  return {
    id: "value-size",
    title: "Size of values",
    xLabel: "bytes of a value",
    xUnit: "bytes",
    panels: [
      { title: "Requests a second, 8 clients", series: named("") },
      { title: "Milliseconds", series: named(", p50") },
      { title: "MiB a second", series: named(", MiB a second") },
    ],
    facts: [],
  };
}
