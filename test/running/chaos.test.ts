/** Twenty seconds of `npm run chaos`: real processes die under load, and what clients saw is judged. */
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { freePorts } from "../../scripts/cluster/ports.ts";

const SECONDS = 20;
const REPLICAS = 3;
const ROOT = join(import.meta.dirname, "..", "..");

test("a storm over real processes leaves a linearizable history", { timeout: 300_000 }, async () => {
  const folder = mkdtempSync(join(tmpdir(), "edged-chaos-"));
  try {
    const [port] = await freePorts(REPLICAS);
    const { code, output } = await run([
      ...[
        "--seconds",
        String(SECONDS),
        "--seed",
        "7",
        "--replicas",
        String(REPLICAS),
        "--port",
        String(port),
      ],
      ...["--dir", join(folder, "data"), "--out", join(folder, "history.jsonl")],
    ]);
    expect(output.trimEnd().split("\n").at(-1), output).toMatch(/^chaos: ok/);
    expect(code).toBe(0);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

function run(args: readonly string[]): Promise<{ readonly code: number | null; readonly output: string }> {
  const script = join(ROOT, "scripts", "chaos", "main.ts");
  const child = spawn(process.execPath, [script, ...args], { cwd: ROOT, stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  const collect = (data: Buffer): void => {
    output += data.toString();
  };
  child.stdout.on("data", collect);
  child.stderr.on("data", collect);
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, output }));
  });
}
