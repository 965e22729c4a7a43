import { describe, expect, it } from "vitest";
import { parseArguments } from "../../scripts/chaos/arguments.ts";
import { drawFault, faultLabel } from "../../scripts/chaos/faults.ts";
import { describeReport } from "../../scripts/chaos/report.ts";
import { type ChaosOptions, type ChaosReport, runChaos } from "../../scripts/chaos/run.ts";
import { Prng } from "../../src/base/prng.ts";
import { type Flaw, startFakeCluster } from "./fake-cluster.ts";

const OPTIONS: ChaosOptions = {
  seed: 1,
  seconds: 60,
  operationsMax: 1_000,
  clients: 8,
  keys: 3,
  timeoutMs: 400,
  thinkMsMax: 1,
  rotateKeysMs: 700,
  calmMs: 50,
  holdMsMax: 900,
  recoverMs: 10_000,
  auditWritesMax: 500,
  judgeMs: 30_000,
};

async function chaos(flaw: Flaw, options: ChaosOptions = OPTIONS): Promise<ChaosReport> {
  const cluster = await startFakeCluster(3, flaw, options.seed);
  try {
    return await runChaos(cluster, options, {
      log: () => {},
      progress: () => {},
      signal: new AbortController().signal,
    });
  } finally {
    await cluster.stop();
  }
}

describe("the chaos runner", () => {
  it.concurrent("finds nothing wrong with a correct store that is killed and paused", {
    timeout: 60_000,
  }, async ({ expect }) => {
    const report = await chaos("none");
    const text = describeReport(report, { seed: 1, replicas: 3, out: "file" });
    expect(report.verdict, text).toEqual({ kind: "ok" });
    expect(report.faults.size).toBeGreaterThan(0);
    expect(report.clientOperations.length).toBeGreaterThanOrEqual(OPTIONS.operationsMax);
    expect(report.clientOperations.some(({ outcome }) => outcome.kind === "unknown")).toBe(true);
    expect(report.audit?.writesRead).toBeGreaterThan(100);
    expect(text.split("\n").at(-1)).toMatch(/^chaos: ok, linearizable and nothing lost/);
  });

  const flaws: readonly Flaw[] = ["stale-reads", "lost-writes", "double-apply", "false-failures", "racy-cas"];
  it.concurrent.for(flaws)("catches %s", { timeout: 60_000 }, async (flaw, { expect }) => {
    const report = await chaos(flaw);
    expect(report.verdict.kind).toBe("violation");
    const text = describeReport(report, { seed: 1, replicas: 3, out: "file" });
    expect(text.split("\n").at(-1)).toMatch(/^chaos: VIOLATION/);
  });
});

describe("the nemesis' plan", () => {
  const names = ["r1", "r2", "r3", "r4", "r5"];

  function plan(seed: number, canCut: boolean): string[] {
    const random = new Prng(seed);
    return Array.from({ length: 400 }, () =>
      faultLabel(drawFault(random, { names, leader: "r2", canCut, holdMsMax: 100 }), names.length),
    );
  }

  it("is the same for the same seed", () => {
    expect(plan(7, true)).toEqual(plan(7, true));
    expect(plan(7, true)).not.toEqual(plan(8, true));
  });

  it("has every fault, and cuts only where they are possible", () => {
    expect([...new Set(plan(7, false))].sort()).toEqual([
      "kill a majority",
      "kill all",
      "kill one",
      "pause a majority",
      "pause one",
      "pause one, kill another",
    ]);
    const cuts = [...new Set(plan(7, true))].filter((label) => label.startsWith("cut"));
    expect(cuts.sort()).toEqual(["cut (deaf)", "cut (isolated)", "cut (mute)", "cut (ring)", "cut (split)"]);
  });
});

describe("the arguments", () => {
  it("are checked, and all that is wrong is said", () => {
    expect(parseArguments(["--seconds", "0", "--replicas", "10"], 1)).toEqual({
      ok: false,
      error:
        "--seconds must be a whole number from 1 to 86400; --replicas must be a whole number from 1 to 9",
    });
    expect(parseArguments(["--what"], 1).ok).toBe(false);
    expect(parseArguments(["--help"], 1)).toEqual({ ok: true, value: "help" });
    expect(parseArguments(["--seed", "7"], 1)).toMatchObject({
      ok: true,
      value: { seed: 7, replicas: 3, out: ".edged/chaos/history-7.jsonl", vars: [], keep: false },
    });
  });
});
