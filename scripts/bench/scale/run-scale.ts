/** `npm run bench -- --scale`: the curves one after the other, each on objects of its own. */
import { commitOf, describeMachine, sampleBusyness } from "../machine.ts";
import { isWanted, type Options } from "../options.ts";
import { clearProgress, showProgress } from "../progress.ts";
import { CLUSTERS } from "./clusters.ts";
import type { Curve, ScaleContext } from "./curve.ts";
import { KEYS } from "./keys.ts";
import { REPLICAS } from "./replicas.ts";
import type { ScaleReport } from "./scale-report.ts";
import { VALUE_SIZE } from "./value-size.ts";
import { WATCHERS } from "./watchers.ts";

const CURVES = [KEYS, VALUE_SIZE, REPLICAS, CLUSTERS, WATCHERS];

const FULL = { durationMs: 3_000, preparationMs: 180_000, xMax: Number.POSITIVE_INFINITY };
const QUICK = { durationMs: 1_000, preparationMs: 10_000 };
/** With --quick the large ends of the counts are left out; all sizes of values are measured. */
const QUICK_MAX = new Map([
  [KEYS.id, 10_000],
  [CLUSTERS.id, 10],
  [WATCHERS.id, 100],
]);

export async function runScale(options: Options, signal: AbortSignal): Promise<ScaleReport> {
  const wanted = CURVES.filter(({ id }) => isWanted(options, id));
  if (wanted.length === 0) {
    const ids = CURVES.map(({ id }) => id).join(", ");
    throw new Error(`--only ${options.only.join(",")} names no curve; there are ${ids}`);
  }
  const startedAt = new Date().toISOString();
  showProgress("looking whether the machine is at rest");
  const before = await sampleBusyness();
  const curves: Curve[] = [];
  for (const { id, measure } of wanted) {
    const tell = (what: string): void => showProgress(`${id}: ${what}`);
    const quick = { ...QUICK, xMax: QUICK_MAX.get(id) ?? Number.POSITIVE_INFINITY };
    const context: ScaleContext = { signal, tell, ...(options.isQuick ? quick : FULL) };
    curves.push(await measure(context));
    signal.throwIfAborted();
  }
  const after = await sampleBusyness();
  clearProgress();
  const [commit, machine] = [commitOf(), describeMachine()];
  return { format: 1, startedAt, commit, machine, busyness: [before, after], curves };
}
