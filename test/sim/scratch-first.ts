import { drawOptions } from "./options.ts";
import { runSeed } from "./run-seed.ts";
const [from, count, json] = process.argv.slice(2);
const fixed = JSON.parse(json ?? "{}");
for (let seed = Number(from); seed < Number(from) + Number(count); seed += 1) {
  const r = await runSeed({ options: drawOptions(seed, fixed), skip: new Set(), trace: false });
  if (r.failure) {
    console.log("FOUND by seed", seed, r.failure.message.slice(0, 150).replaceAll("\n", " "));
    process.exit(0);
  }
}
console.log("SURVIVED", count);
