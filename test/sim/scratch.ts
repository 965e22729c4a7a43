import { drawOptions } from "./options.ts";
import { runSeed } from "./run-seed.ts";

const [from, count, json] = process.argv.slice(2);
const fixed = JSON.parse(json ?? "{}");
let bad = 0;
const t0 = performance.now();
const reached: Record<string, number> = {};
for (let seed = Number(from); seed < Number(from) + Number(count); seed += 1) {
  const r = await runSeed({ options: drawOptions(seed, fixed), skip: new Set(), trace: false });
  for (const [k, v] of Object.entries(r.reached)) reached[k] = (reached[k] ?? 0) + v;
  if (r.failure) {
    bad += 1;
    console.log(seed, r.failure.invariant, r.failure.message.slice(0, 1500));
  }
}
console.log(
  `${count} seeds, ${bad} bad, ${((performance.now() - t0) / 1000).toFixed(0)} s`,
  JSON.stringify(reached),
);
