import { describe, expect, it } from "vitest";
import { LIMITS } from "../../src/base/limits.ts";
import { type ProposalFate, Proposals } from "../../src/engine/proposals.ts";
import type { ApplyOutcome } from "../../src/mvcc/apply-outcome.ts";

const outcome = (revision: number): ApplyOutcome => ({
  kind: "applied",
  revision,
  response: new Uint8Array(),
  complete: true,
});

function queueOf(count: number, bytes = 1, expiresAt = 1_000) {
  const proposals = new Proposals();
  const fates: ProposalFate[][] = [];
  for (let i = 0; i < count; i += 1) {
    const fate: ProposalFate[] = [];
    fates.push(fate);
    proposals.add(0, new Uint8Array(bytes), expiresAt, (settled) => fate.push(settled));
  }
  return { proposals, fates };
}

describe("proposals", () => {
  it("sends one batch at a time while few wait, and what came meanwhile as the next", () => {
    const { proposals } = queueOf(3);
    expect(proposals.hasBatch(10, 0, 1)).toBe(true);
    expect(proposals.nextBatch()).toHaveLength(3);
    proposals.proposed(3, 1, 1);
    proposals.add(0, new Uint8Array(1), 1_000, () => undefined);
    expect(proposals.hasBatch(10, 0, 1)).toBe(false);
    expect(proposals.hasBatch(10, 1, 1)).toBe(true);
  });

  it("waits for nothing that an earlier leadership left in flight: it may be gone from the log", () => {
    const { proposals, fates } = queueOf(1);
    proposals.proposed(1, 7, 1);
    proposals.add(0, new Uint8Array(1), 1_000, () => undefined);
    expect(proposals.hasBatch(10, 6, 1)).toBe(false);
    expect(proposals.hasBatch(10, 6, 4)).toBe(true);
    expect(proposals.batchDeadline(6, 4)).not.toBeNull();
    // It may still be committed by somebody who has it.
    expect(fates).toEqual([[]]);
    proposals.applied(7, 4, []);
    expect(fates).toEqual([[{ kind: "lost" }]]);
  });

  it("lets a lone client go at once, and waits a moment for company where there was some", () => {
    const alone = queueOf(1).proposals;
    expect(alone.hasBatch(0, 0, 1)).toBe(true);
    const { proposals } = queueOf(8);
    proposals.proposed(8, 1, 1);
    proposals.applied(1, 1, []);
    proposals.add(100, new Uint8Array(1), 1_000, () => undefined);
    expect(proposals.hasBatch(100, 1, 1)).toBe(false);
    expect(proposals.batchDeadline(1, 1)).toBe(102);
    // Among many, a batch leaves from a timer only.
    expect(proposals.hasBatch(102, 1, 1)).toBe(false);
    proposals.ticked();
    expect(proposals.hasBatch(102, 1, 1)).toBe(true);
    for (let i = 0; i < 5; i += 1) proposals.add(100, new Uint8Array(1), 1_000, () => undefined);
    expect(proposals.batchDeadline(1, 1)).toBe(100);
    expect(proposals.hasBatch(100, 1, 1)).toBe(true);
  });

  it("waits longer where batches take longer, within a bound", () => {
    const lingerAfter = (roundMs: number): number => {
      const { proposals } = queueOf(64);
      for (let index = 1; index <= 20; index += 1) {
        proposals.ticked();
        expect(proposals.hasBatch(index * 1_000_000, index - 1, 1)).toBe(true);
        proposals.proposed(proposals.nextBatch().length, index, 1);
        const now = index * 1_000_000 + roundMs;
        proposals.hasBatch(now, index, 1);
        proposals.applied(index, 1, []);
        proposals.add(now, new Uint8Array(1), Number.MAX_SAFE_INTEGER, () => undefined);
        if (index === 20) return (proposals.batchDeadline(index, 1) ?? 0) - now;
      }
      return 0;
    };
    expect(lingerAfter(1)).toBe(2);
    expect(lingerAfter(12)).toBeCloseTo(6, 0);
    expect(lingerAfter(1_000)).toBe(10);
  });

  it("pipelines further batches when many wait", () => {
    const { proposals } = queueOf(200);
    proposals.proposed(100, 1, 1);
    expect(proposals.hasBatch(10, 0, 1)).toBe(true);
  });

  it("closes a batch by bytes, but lets one large command travel alone", () => {
    const { proposals } = queueOf(2, LIMITS.batchBytesTarget + 1);
    expect(proposals.nextBatch()).toHaveLength(1);
  });

  it("answers each proposal with its own outcome, in order", () => {
    const { proposals, fates } = queueOf(2);
    proposals.proposed(2, 7, 3);
    proposals.applied(7, 3, [outcome(5), outcome(6)]);
    expect(fates.map(([fate]) => fate)).toEqual([
      { kind: "outcome", index: 7, outcome: outcome(5) },
      { kind: "outcome", index: 7, outcome: outcome(6) },
    ]);
    expect(proposals.isIdle).toBe(true);
  });

  it("knows a proposal lost when another term's entry is applied in its place", () => {
    const { proposals, fates } = queueOf(1);
    proposals.proposed(1, 7, 3);
    proposals.applied(7, 4, [outcome(5)]);
    expect(fates[0]).toEqual([{ kind: "lost" }]);
  });

  it("does not call a proposal lost because the leadership was, once it is in the log", () => {
    const { proposals, fates } = queueOf(2);
    proposals.proposed(1, 7, 3);
    proposals.leadershipLost();
    expect(fates).toEqual([[], [{ kind: "lost" }]]);
    proposals.applied(7, 3, [outcome(5)]);
    expect(fates[0]).toEqual([{ kind: "outcome", index: 7, outcome: outcome(5) }]);
  });

  it("reports late proposals as expired in the queue and as unknown in the log, once", () => {
    const { proposals, fates } = queueOf(2, 1, 50);
    proposals.proposed(1, 7, 3);
    expect(proposals.deadline()).toBe(50);
    proposals.expire(49);
    expect(fates).toEqual([[], []]);
    proposals.expire(50);
    proposals.expire(60);
    proposals.applied(7, 3, [outcome(5)]);
    expect(fates).toEqual([[{ kind: "unknown" }], [{ kind: "expired" }]]);
    expect(proposals.deadline()).toBe(null);
  });

  it("cannot tell what became of entries that a snapshot replaced", () => {
    const { proposals, fates } = queueOf(1);
    proposals.proposed(1, 7, 3);
    proposals.snapshotInstalled(9);
    expect(fates[0]).toEqual([{ kind: "unknown" }]);
  });

  it("refuses more than its queue holds", () => {
    const { proposals } = queueOf(LIMITS.proposalsQueuedMax);
    expect(proposals.add(0, new Uint8Array(1), 1, () => undefined)).toBe(false);
  });
});
