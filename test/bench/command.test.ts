import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { until } from "../harness/processes.ts";

const SCRIPT = resolve(import.meta.dirname, "..", "..", "scripts", "bench", "main.ts");

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "edged-bench-test-"));
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

interface Run {
  readonly child: ChildProcess;
  readonly text: () => string;
  readonly ended: Promise<number | null>;
}

/** The command with its own folder for temporary files, so that it shows what it leaves there. */
function bench(...args: readonly string[]): Run {
  const child = spawn(process.execPath, [SCRIPT, "--out", join(folder, "out"), ...args], {
    env: { ...process.env, TMPDIR: folder },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let text = "";
  child.stdout.on("data", (piece: Buffer) => {
    text += piece.toString();
  });
  child.stderr.on("data", (piece: Buffer) => {
    text += piece.toString();
  });
  return { child, text: () => text, ended: new Promise((end) => child.on("exit", end)) };
}

function leftovers(): readonly string[] {
  return readdirSync(folder).filter((name) => name.startsWith("edged-bench"));
}

it("measures what it is asked to, writes it down, and leaves nothing behind", async () => {
  const only = ["--only", "one-put,plain-put", "--connections", "2", "--rounds", "2", "--seconds", "0.2"];
  const run = bench(...only);
  expect(await run.ended, run.text()).toBe(0);
  expect(run.text()).toContain("put / plain object's put");
  const report = JSON.parse(readFileSync(join(folder, "out", "bench.json"), "utf8"));
  expect(report.results).toHaveLength(2);
  for (const { connections, rounds } of report.results) {
    expect(connections).toBe(2);
    expect(rounds).toHaveLength(2);
    for (const { count, failed } of rounds)
      expect({ some: count > 0, failed }).toEqual({ some: true, failed: 0 });
  }
  expect(readFileSync(join(folder, "out", "bench.svg"), "utf8")).toMatch(/^<svg .*<\/svg>\n$/s);
  expect(leftovers()).toEqual([]);
});

it("interrupted, it ends what it has started", async () => {
  const run = bench("--only", "noop", "--seconds", "60");
  await until("it has begun", async () => (leftovers().length > 0 ? true : null));
  run.child.kill("SIGINT");
  expect(await run.ended).toBe(130);
  expect(run.text()).toContain("interrupted");
  expect(leftovers()).toEqual([]);
});

it("says what it cannot make sense of", async () => {
  const run = bench("--only", "nothing-like-that");
  expect(await run.ended).toBe(1);
  expect(run.text()).toContain("--list");
});
