/** One chaos run on a running cluster: clients and nemesis, then healing, audit and judgement. */
import { setTimeout as sleep } from "node:timers/promises";
import { DEFAULT_BUDGET } from "../../test/linearizability/checker.ts";
import { judge } from "../../test/linearizability/judge.ts";
import type { Operation } from "../../test/linearizability/operation.ts";
import { Auditor, type AuditReport, clientOperations } from "./audit.ts";
import type { Cluster } from "./cluster.ts";
import { Nemesis } from "./nemesis.ts";
import { Recorder } from "./recorder.ts";
import { Workload } from "./workload.ts";

export interface ChaosOptions {
  readonly seed: number;
  /** The storm ends after this time, or after this many operations, or when the signal is given. */
  readonly seconds: number;
  readonly operationsMax: number;
  readonly clients: number;
  readonly keys: number;
  /** A client gives up on a request after this. */
  readonly timeoutMs: number;
  readonly thinkMsMax: number;
  readonly rotateKeysMs: number;
  /** Calm between faults, drawn between once and twice this; 0 for no faults at all. */
  readonly calmMs: number;
  /** The longest time a fault lasts. */
  readonly holdMsMax: number;
  readonly recoverMs: number;
  readonly auditWritesMax: number;
  readonly judgeMs: number;
}

export interface ChaosHooks {
  readonly log: (line: string) => void;
  /** Called several times a second. */
  readonly progress: (state: ChaosProgress) => void;
  readonly signal: AbortSignal;
}

export interface ChaosProgress {
  readonly phase: "storm" | "audit" | "judgement";
  readonly elapsedMs: number;
  readonly operations: number;
  readonly unknown: number;
}

export type ChaosVerdict =
  | { readonly kind: "ok" }
  | { readonly kind: "violation"; readonly text: string }
  | { readonly kind: "undecided"; readonly text: string };

export interface ChaosReport {
  readonly verdict: ChaosVerdict;
  /** Everything, the auditor's reads included, in the order in which it ended. */
  readonly history: readonly Operation[];
  /** How many of them are the clients'. */
  readonly clientOperations: readonly Operation[];
  readonly baseRevision: number;
  readonly faults: ReadonlyMap<string, number>;
  readonly stormMs: number;
  readonly gap: { readonly longestMs: number; readonly endedAtMs: number };
  readonly audit: AuditReport | null;
  readonly judgedMs: number;
}

const PROGRESS_MS = 200;

export async function runChaos(
  cluster: Cluster,
  options: ChaosOptions,
  hooks: ChaosHooks,
): Promise<ChaosReport> {
  const recorder = new Recorder();
  // Unique to the run, so that a cluster that is kept can be used again.
  const prefix = `chaos-${options.seed}-${Date.now().toString(36)}`;
  const auditor = new Auditor(cluster.members, recorder, {
    prefix,
    timeoutMs: options.timeoutMs,
    recoverMs: options.recoverMs,
    writesMax: options.auditWritesMax,
  });
  try {
    const baseRevision = await auditor.baseRevision();
    if (baseRevision === null) throw new Error("the cluster did not serve before the run began");
    const storm = await runStorm(cluster, options, hooks, recorder, prefix);
    const clients = clientOperations(recorder.operations);
    const tick = (phase: ChaosProgress["phase"]): void => hooks.progress(progressOf(recorder, phase));
    const timer = setInterval(() => tick("audit"), PROGRESS_MS);
    const audit = await auditor.run(storm.keys, baseRevision).finally(() => clearInterval(timer));
    tick("judgement");
    const judgeStartMs = recorder.nowMs();
    const verdict = decide(recorder, storm.failure, audit, baseRevision, options);
    return {
      verdict,
      history: recorder.operations,
      clientOperations: clients,
      baseRevision,
      faults: storm.faults,
      stormMs: storm.stormMs,
      gap: storm.gap,
      audit,
      judgedMs: recorder.nowMs() - judgeStartMs,
    };
  } finally {
    auditor.close();
  }
}

interface Storm extends Pick<ChaosReport, "faults" | "stormMs" | "gap"> {
  /** Why the nemesis had to give up, or null. */
  readonly failure: string | null;
  readonly keys: readonly string[];
}

async function runStorm(
  cluster: Cluster,
  options: ChaosOptions,
  hooks: ChaosHooks,
  recorder: Recorder,
  prefix: string,
): Promise<Storm> {
  const workload = new Workload({ ...options, prefix }, cluster.members, recorder);
  const nemesis = new Nemesis(cluster, {
    seed: options.seed,
    calmMs: options.calmMs,
    holdMsMax: options.holdMsMax,
    leader: () => workload.leader,
    log: (line) => hooks.log(`${(recorder.nowMs() / 1_000).toFixed(1)} s: ${line}`),
  });
  const startMs = recorder.nowMs();
  recorder.startGaps();
  workload.start();
  if (options.calmMs > 0) nemesis.start();
  const isOver = (): boolean =>
    hooks.signal.aborted ||
    nemesis.failure !== null ||
    recorder.nowMs() - startMs >= options.seconds * 1_000 ||
    recorder.operations.length >= options.operationsMax;
  while (!isOver()) {
    await sleep(PROGRESS_MS);
    hooks.progress(progressOf(recorder, "storm"));
  }
  await nemesis.stop();
  await workload.stop();
  recorder.endGaps();
  return {
    failure: nemesis.failure,
    keys: workload.keys(),
    faults: nemesis.counts,
    stormMs: recorder.nowMs() - startMs,
    gap: recorder.gap(),
  };
}

function progressOf(recorder: Recorder, phase: ChaosProgress["phase"]): ChaosProgress {
  return {
    phase,
    elapsedMs: recorder.nowMs(),
    operations: recorder.operations.length,
    unknown: recorder.unknown,
  };
}

function decide(
  recorder: Recorder,
  failure: string | null,
  audit: AuditReport | null,
  baseRevision: number,
  options: ChaosOptions,
): ChaosVerdict {
  const deadlineMs = recorder.nowMs() + options.judgeMs;
  const budget = { ...DEFAULT_BUDGET, isOverdue: () => recorder.nowMs() > deadlineMs };
  const judgement = judge(recorder.operations, baseRevision, budget);
  if (judgement.kind === "violation") {
    return { kind: "violation", text: `not linearizable (${judgement.judge})\n${judgement.text}` };
  }
  if (failure !== null) return { kind: "undecided", text: `the nemesis had to give up: ${failure}` };
  if (audit === null) {
    return {
      kind: "violation",
      text: `no write was acknowledged within ${options.recoverMs} ms after everything was healed`,
    };
  }
  if (audit.disagreements.length > 0) {
    return { kind: "violation", text: `replicas differ at one revision\n${audit.disagreements.join("\n")}` };
  }
  if (judgement.kind === "undecided") {
    return { kind: "undecided", text: `the search ran out of time on ${judgement.keys.join(", ")}` };
  }
  if (recorder.writes < 2) return { kind: "undecided", text: "hardly a write was acknowledged" };
  return { kind: "ok" };
}
