/** `npm run sim` that is told to end. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import { expect, test } from "vitest";

const MAIN = path.resolve(import.meta.dirname, "../../scripts/sim/main.ts");

test("a signal ends it with the summary of what was run so far", { timeout: 60_000 }, async () => {
  // Traces, so that it is heard of when a seed is over. More seeds than it can run.
  const child = spawn(process.execPath, [MAIN, "--seeds", "1000000", "--virtual-seconds", "1", "--trace"], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let last = "";
  try {
    child.stdout.setEncoding("utf8");
    child.stdout.once("data", () => child.kill("SIGINT"));
    child.stdout.on("data", (text: string) => {
      last = (last + text).slice(-4_000);
    });
    const [status] = await once(child, "close");
    expect(status).toBe(130);
  } finally {
    child.kill("SIGKILL");
  }
  const lines = last.trimEnd().split("\n");
  expect(lines.at(-2)).toMatch(/^stopped in seed \d+, which does not count$/);
  expect(lines.at(-1)).toMatch(/^\d+ seeds, 0 violations; /);
});
