/** A run in words: what was asked, what went wrong on purpose, and the verdict in the last line. */
import type { Operation } from "../../test/linearizability/operation.ts";
import type { ChaosReport } from "./run.ts";

export interface ReportContext {
  readonly seed: number;
  readonly replicas: number;
  readonly out: string;
}

export function describeReport(report: ChaosReport, context: ReportContext): string {
  const { clientOperations: operations, audit } = report;
  const seconds = report.stormMs / 1_000;
  const rate = (operations.length / Math.max(0.001, seconds)).toFixed(0);
  const lines = [
    `operations: ${operations.length} in ${seconds.toFixed(1)} s (${rate}/s): ${tally(operations, (operation) => operation.action.kind)}`,
    `outcomes:   ${tally(operations, (operation) => operation.outcome.kind)}`,
    `unknown:    ${reasons(operations, "unknown")}`,
    `failed:     ${reasons(operations, "failed")}`,
    `faults:     ${describeFaults(report.faults)}`,
    `gap:        ${(report.gap.longestMs / 1_000).toFixed(2)} s at most without an acknowledged write (until ${(report.gap.endedAtMs / 1_000).toFixed(1)} s)`,
  ];
  if (audit !== null) {
    lines.push(
      `audit:      writable ${(audit.recoveredMs / 1_000).toFixed(2)} s after healing; ${audit.writesRead} acknowledged writes read back, ${audit.gaps} revisions without an acknowledged write looked into, ${audit.unanswered} reads unanswered`,
    );
  }
  lines.push(`judged:     ${report.history.length} operations in ${(report.judgedMs / 1_000).toFixed(2)} s`);
  lines.push(`history:    ${context.out}`);
  if (report.verdict.kind !== "ok") lines.push("", report.verdict.text, "");
  lines.push(describeVerdict(report, context));
  return lines.join("\n");
}

function describeVerdict(report: ChaosReport, { seed, replicas }: ReportContext): string {
  const what = `${report.clientOperations.length} operations on ${replicas} replicas, seed ${seed}`;
  switch (report.verdict.kind) {
    case "ok":
      return `chaos: ok, linearizable and nothing lost (${what})`;
    case "violation":
      return `chaos: VIOLATION (${what})`;
    case "undecided":
      return `chaos: undecided (${what})`;
  }
}

function describeFaults(faults: ReadonlyMap<string, number>): string {
  let total = 0;
  for (const count of faults.values()) total += count;
  const kinds = [...faults].map(([label, count]) => `${count} ${label}`);
  return total === 0 ? "none" : `${total}: ${kinds.join(", ")}`;
}

function reasons(operations: readonly Operation[], kind: "unknown" | "failed"): string {
  const chosen = operations.filter((operation) => operation.outcome.kind === kind);
  if (chosen.length === 0) return "0";
  const text = tally(chosen, ({ outcome }) => ("reason" in outcome ? outcome.reason : ""));
  return `${chosen.length}: ${text}`;
}

function tally(operations: readonly Operation[], labelOf: (operation: Operation) => string): string {
  const counts = new Map<string, number>();
  for (const operation of operations) {
    const label = labelOf(operation);
    counts.set(label, (counts.get(label) ?? 0) + 1);
  }
  const sorted = [...counts].sort((a, b) => b[1] - a[1]);
  return sorted.map(([label, count]) => `${count} ${label}`).join(", ");
}
