import { drawOptions } from "./options.ts";
import { runSeed } from "./run-seed.ts";

const [a, b, tr] = [Number(process.argv[2]), Number(process.argv[3] ?? 1), process.argv[4]];
const t0 = performance.now();
let fails = 0;
for (let seed = a; seed < a + b; seed++) {
  const t1 = performance.now();
  const r = await runSeed({ options: drawOptions(seed, {}), skip: new Set(), trace: tr !== undefined });
  if (tr) {
    console.log(r.trace.slice(-Number(tr)).join("\n"));
    console.log(JSON.stringify(r.options));
  }
  const line = `${seed} n=${r.options.replicas} ${(r.virtualMs / 1000).toFixed(0)}s ${r.steps} steps ${(performance.now() - t1).toFixed(0)}ms ops ${r.begun} ${JSON.stringify(r.operations)} faults ${r.injected.length} ${r.traceHash}`;
  console.log(line);
  if (r.failure) {
    fails++;
    console.log("   FAIL", r.failure.message.slice(0, 1500), r.failure.atMs);
  }
}
console.log(fails, "fails", (b / (performance.now() - t0)) * 1000, "seeds/s");
