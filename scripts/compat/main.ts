/**
 * Real clients of etcd, as they are installed here, against edged behind its bridge and, where there
 * is one, a real etcd: one line a command, and whether both did the same. Ends with 1 if a command
 * of edged differs in a way that docs/etcd-differences.md does not explain.
 */
import { spawnSync } from "node:child_process";
import { comparable, Etcdctl, type Outcome } from "./etcdctl.ts";
import { EXPLAINED } from "./explained.ts";
import { runLibraries } from "./libraries.ts";
import { type Store, startEdged, startEtcd } from "./servers.ts";
import { PERFORMANCE, STEPS, type Step } from "./steps.ts";

const USAGE = `npm run compat -- [options]
Runs the clients of etcd that are installed against edged, and beside it against etcd if that is installed.
  --verbose   print what edged said to each of them
  --perf      etcdctl check perf as well (a minute each)
Exit: 0 nothing differs without explanation, 1 something does, 2 usage.`;

const flags = new Set(process.argv.slice(2));
const isVerbose = flags.has("--verbose");

function isInstalled(program: string, ...args: readonly string[]): boolean {
  return spawnSync(program, args, { stdio: "ignore" }).error === undefined;
}

function skip(what: string, how: string): void {
  console.log(`skipped: ${what} is not installed (${how})`);
}

interface Row {
  readonly command: string;
  readonly verdict: "same" | "explained" | "DIFFERENT" | "works" | "FAILS";
  readonly detail: string;
}

function commandOf({ args }: Step): string {
  return args.map((arg) => (arg === "" ? '""' : arg)).join(" ");
}

function compare(step: Step, edged: Outcome, etcd: Outcome | null): Row {
  const command = commandOf(step);
  if (etcd === null) {
    return { command, verdict: "works", detail: edged.text.trim().split("\n").at(-1) ?? "" };
  }
  const [ours, theirs] = [comparable(edged.text), comparable(etcd.text)];
  const isSame = edged.succeeded === etcd.succeeded && (step.isOwn === true || ours === theirs);
  if (isSame) return { command, verdict: "same", detail: "" };
  const reason = EXPLAINED.get(command);
  if (reason !== undefined) return { command, verdict: "explained", detail: reason };
  return {
    command,
    verdict: "DIFFERENT",
    detail: `\n    edged: ${ours.trim().slice(0, 600)}\n    etcd:  ${theirs.trim().slice(0, 600)}`,
  };
}

async function compareAll(edged: Store, etcd: Store | null): Promise<readonly Row[]> {
  using ours = new Etcdctl(edged);
  using theirs = etcd === null ? null : new Etcdctl(etcd);
  const rows: Row[] = [];
  const steps = flags.has("--perf") ? [...STEPS, ...PERFORMANCE] : STEPS;
  for (const step of steps) {
    const [outcome, other] = await Promise.all([ours.run(step), theirs?.run(step) ?? null]);
    const row = compare(step, outcome, other);
    rows.push(row);
    console.log(
      `${row.verdict.padEnd(10)} etcdctl ${row.command}${row.detail === "" ? "" : `: ${row.detail}`}`,
    );
    if (isVerbose) console.log(outcome.text.trimEnd().replace(/^/gm, "           "));
  }
  return rows;
}

async function main(): Promise<number> {
  const hasEtcdctl = isInstalled("etcdctl", "version");
  const hasEtcd = isInstalled("etcd", "--version");
  if (!hasEtcdctl) skip("etcdctl", "Debian: apt-get install etcd-client");
  if (!hasEtcd) skip("etcd", "Debian: apt-get install etcd-server; without it nothing is compared");
  const edged = await startEdged();
  const etcd = hasEtcd ? await startEtcd() : null;
  const rows: Row[] = [];
  try {
    rows.push(...(await runLibraries(edged, skip)));
    if (etcd !== null) await runLibraries(etcd, () => undefined);
    if (hasEtcdctl) rows.push(...(await compareAll(edged, etcd)));
  } finally {
    await Promise.all([edged.stop(), etcd?.stop()]);
  }
  const count = (verdict: Row["verdict"]): number => rows.filter((row) => row.verdict === verdict).length;
  console.log(
    `${rows.length} commands: ${count("same")} the same, ${count("explained")} explained, ` +
      `${count("DIFFERENT")} different, ${count("works")} without comparison, ${count("FAILS")} failed`,
  );
  return count("DIFFERENT") + count("FAILS") === 0 ? 0 : 1;
}

const unknown = [...flags].find((flag) => !["--verbose", "--perf", "--help"].includes(flag));
if (unknown !== undefined) {
  console.error(`${unknown} is no option\n\n${USAGE}`);
  process.exitCode = 2;
} else if (flags.has("--help")) {
  console.log(USAGE);
} else {
  process.exitCode = await main();
}
