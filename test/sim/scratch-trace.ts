import { drawOptions } from "./options.ts";
import { runSeed } from "./run-seed.ts";

const [seed, json, last] = process.argv.slice(2);
const r = await runSeed({
  options: drawOptions(Number(seed), JSON.parse(json ?? "{}")),
  skip: new Set(),
  trace: true,
});
console.log(r.trace.slice(-Number(last ?? 60)).join("\n"));
console.log(r.failure?.atMs, r.failure?.message.slice(0, 3000), JSON.stringify(r.options));
