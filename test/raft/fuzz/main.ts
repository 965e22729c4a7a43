/** By hand: node test/raft/fuzz/main.ts FIRST COUNT STEPS. Prints the seeds that fail and the line that replays each. */
import { runSeed } from "./run-seed.ts";

const [first = 1, count = 1000, steps = 600] = process.argv.slice(2).map(Number);
let failures = 0;
let acknowledged = 0;
let messages = 0;
let worst = { ms: 0, messages: 0, terms: 0 };
for (let seed = first; seed < first + count; seed += 1) {
  try {
    const report = runSeed(seed, steps);
    acknowledged += report.acknowledged;
    messages += report.healed.messages;
    worst = {
      ms: Math.max(worst.ms, report.healed.ms),
      messages: Math.max(worst.messages, report.healed.messages),
      terms: Math.max(worst.terms, report.healed.terms),
    };
  } catch (error) {
    failures += 1;
    const text = error instanceof Error ? (count === 1 ? (error.stack ?? "") : error.message) : String(error);
    console.log(`seed ${seed}: ${text.slice(0, count === 1 ? 8000 : 300)}`);
    console.log(`  replay: node test/raft/fuzz/main.ts ${seed} 1 ${steps}`);
    if (failures >= 10) break;
  }
}
console.log(JSON.stringify({ first, count, steps, failures, acknowledged, healMessages: messages, worst }));
process.exitCode = failures === 0 ? 0 : 1;
