import { expect, test } from "vitest";
import { simpleConfiguration } from "../../src/raft/configuration.ts";
import { NOTHING, TestNode } from "./harness/node.ts";
import { payload } from "./harness/payload.ts";

function leader(): TestNode {
  const node = new TestNode({ configuration: simpleConfiguration(["1", "2", "3"], ["4"]) });
  node.lead();
  for (const id of ["2", "3"]) {
    node.step(id, { kind: "append-response", term: 1, round: 0, match: 1, rejection: null });
  }
  node.take();
  return node;
}

const go = { kind: "timeout-now", term: 1 } as const;

test("a caught-up voter is told at once, and proposals wait", () => {
  const node = leader();
  expect(node.raft.transferLeadership(node.now, "2")).toBe("started");
  expect(node.take()).toEqual({ ...NOTHING, after: [{ to: "2", message: go }] });
  expect(node.raft.propose(node.now, payload("x"))).toEqual({ kind: "transferring" });
  expect(node.raft.proposeConfiguration(node.now, { voters: ["1", "2"], learners: [] })).toEqual({
    kind: "transferring",
  });
});

test("one that is behind is told when it has everything", () => {
  const node = leader();
  node.raft.propose(node.now, payload("x"));
  node.take();
  node.raft.transferLeadership(node.now, "2");
  expect(node.take()).toEqual(NOTHING);
  const effects = node.step("2", { kind: "append-response", term: 1, round: 0, match: 2, rejection: null });
  expect(effects.after).toContainEqual({ to: "2", message: go });
});

test("is given up after one election time, which asking again does not prolong", () => {
  const node = leader();
  const start = node.now;
  node.raft.transferLeadership(node.now, "2");
  node.take();
  node.now = start + 900;
  node.step("3", { kind: "heartbeat-response", term: 1, round: 0, match: 1 });
  expect(node.raft.transferLeadership(node.now, "2")).toBe("started");
  node.take();
  node.tickAt(start + 999);
  expect(node.raft.propose(node.now, payload("x"))).toEqual({ kind: "transferring" });
  node.tickAt(start + 1000);
  expect(node.raft.propose(node.now, payload("x"))).toEqual({ kind: "accepted", index: 2, term: 1 });
});

test("to somebody else replaces the one under way", () => {
  const node = leader();
  node.raft.transferLeadership(node.now, "2");
  node.take();
  expect(node.raft.transferLeadership(node.now, "3")).toBe("started");
  expect(node.take().after).toEqual([{ to: "3", message: go }]);
});

test("is refused for learners, strangers and this node itself, and by followers", () => {
  const node = leader();
  expect(node.raft.transferLeadership(node.now, "4")).toBe("not-a-voter");
  expect(node.raft.transferLeadership(node.now, "9")).toBe("not-a-voter");
  expect(node.raft.transferLeadership(node.now, "1")).toBe("already-leader");
  expect(new TestNode().raft.transferLeadership(0, "2")).toBe("not-leader");
});

test("the successor asks for votes in a new term at once, overriding stickiness", () => {
  const node = new TestNode({ log: [1] });
  const effects = node.step("2", go);
  const ballot = { kind: "vote", term: 2, lastIndex: 1, lastTerm: 1, transfer: true };
  expect(effects).toEqual({
    ...NOTHING,
    hardState: { term: 2, vote: "1" },
    after: [
      { to: "2", message: ballot },
      { to: "3", message: ballot },
    ],
  });
});
