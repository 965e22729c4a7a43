/**
 * `npm run bench:idle`: starts a cluster in the real runtime, writes, waits until it sleeps, and then
 * lets real minutes pass in which nobody asks for anything. Exit 1 if anything was counted in them.
 */
import { writeFileSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { parseArgs } from "node:util";
import { CountedRuntime, type Counts } from "./counted-runtime.ts";

const USAGE = `npm run bench:idle -- [--minutes 5] [--puts 100] [--json FILE]
Three replicas in one local workerd, default timers. Asserts that a sleeping group makes no call, runs no
timer and no alarm, reads and writes no row, and is not even started, for as long as asked.`;

const MEMBERS = "r1=weur,r2=eeur,r3=enam";
const POLL_MS = 100;
const LIMIT_MS = 60_000;
/** What was under way when the last one fell asleep is over then. */
const SETTLE_MS = 1_000;
/** Within this time the platform takes objects without work from memory, and folds their journals into their files. */
const CLOSING_MS = 30_000;
const LEASE_SECONDS = 3_600;

interface Phase {
  readonly what: string;
  readonly seconds: number;
  readonly counts: Counts;
  readonly alarms: number;
}

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "5" },
    puts: { type: "string", default: "100" },
    json: { type: "string" },
    help: { type: "boolean", default: false },
  },
});

if (values.help) console.log(USAGE);
else process.exitCode = await main(Number(values.minutes), Number(values.puts));

async function main(minutes: number, puts: number): Promise<number> {
  await using runtime = await CountedRuntime.start(MEMBERS, {});
  const phases: Phase[] = [];
  const during = async (what: string, run: () => Promise<void>): Promise<Counts> => {
    const before = await runtime.counts();
    const beganAt = performance.now();
    await run();
    const counts = minus(await runtime.counts(), before);
    phases.push({ what, seconds: (performance.now() - beganAt) / 1000, counts, alarms: runtime.alarms() });
    return counts;
  };
  await runtime.put("first", "1");
  await during(`${puts} puts, one after another`, async () => {
    for (let i = 0; i < puts; i += 1) await runtime.put(`k${i % 10}`, "x".repeat(256));
  });
  await during("falling asleep", () => untilAsleep(runtime));
  const { term } = await runtime.status();
  await pause(SETTLE_MS);
  const asleepAtMs = Date.now();
  const idle = await during(`${minutes} minutes of nothing`, () => pause(minutes * 60_000));
  const isUntouched = runtime.lastWriteMs() <= asleepAtMs + CLOSING_MS;
  const alarms = phases.at(-1)?.alarms ?? Number.NaN;
  const wakeBeganAt = performance.now();
  const woken = await during("a put that wakes it", () => runtime.put("after", "1"));
  const wokeMs = performance.now() - wakeBeganAt;
  const isSameTerm = (await runtime.status()).term === term;
  await during("a lease, and asleep again", async () => {
    await runtime.grant(LEASE_SECONDS);
    await untilAsleep(runtime);
    await pause(SETTLE_MS);
  });
  const alarmsWithLease = runtime.alarms();
  report(phases);
  const verdicts: readonly (readonly [boolean, string])[] = [
    [Object.values(idle).every((count) => count === 0), "asleep: nothing was counted"],
    [alarms === 0, "asleep: no alarm was set"],
    [isUntouched, "asleep: no file of an object was written to, once the platform had closed them"],
    [
      isSameTerm,
      `woken in ${wokeMs.toFixed(0)} ms without an election; ${woken["starts"]} of 3 had no memory left`,
    ],
    [alarmsWithLease === 1, `with a lease outstanding, ${alarmsWithLease} alarm is set in the whole group`],
  ];
  for (const [holds, what] of verdicts) console.log(`${holds ? "yes" : "NO "}  ${what}`);
  const perPut = phases[0]?.counts ?? {};
  for (const name of ["rowsWritten", "rowsRead", "callsMade"]) {
    console.log(`${name} per put, all replicas: ${((perPut[name] ?? 0) / puts).toFixed(2)}`);
  }
  if (values.json !== undefined) {
    const whole = { minutes, puts, phases, isUntouched, isSameTerm, wokeMs, alarmsWithLease };
    writeFileSync(values.json, `${JSON.stringify(whole, null, 2)}\n`);
  }
  return verdicts.every(([holds]) => holds) ? 0 : 1;
}

async function untilAsleep(runtime: CountedRuntime): Promise<void> {
  const limit = performance.now() + LIMIT_MS;
  for (;;) {
    const { members } = await runtime.status();
    if (members.every(({ asleep }) => asleep === true)) return;
    if (performance.now() > limit) throw new Error("the group does not fall asleep");
    await pause(POLL_MS);
  }
}

function minus(after: Counts, before: Counts): Counts {
  return Object.fromEntries(
    Object.entries(after).map(([name, count]) => [name, count - (before[name] ?? 0)]),
  );
}

function report(phases: readonly Phase[]): void {
  const names = Object.keys(phases[0]?.counts ?? {});
  console.log("".padEnd(28), "seconds".padStart(8), ...names.map((name) => name.padStart(12)), "alarms set");
  for (const { what, seconds, counts, alarms } of phases) {
    const cells = names.map((name) => String(counts[name] ?? 0).padStart(12));
    console.log(what.padEnd(28), seconds.toFixed(1).padStart(8), ...cells, String(alarms).padStart(10));
  }
}
