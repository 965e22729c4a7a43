import { describe, expect, test } from "vitest";
import { simpleConfiguration } from "../../src/raft/configuration.ts";
import type { Message } from "../../src/raft/message.ts";
import { NOTHING, type NodeSetup, TestNode } from "./harness/node.ts";

function answer(round: number, match = 1): Message {
  return { kind: "heartbeat-response", term: 1, round, match };
}

function leader(setup: NodeSetup = {}): TestNode {
  const node = new TestNode(setup);
  node.lead();
  for (const id of node.raft.core.configurations.current.voters) {
    if (id !== "1") node.step(id, { kind: "append-response", term: 1, round: 0, match: 1, rejection: null });
  }
  node.take();
  return node;
}

function rounds(node: TestNode): number[] {
  return node
    .take()
    .after.filter(({ to }) => to === "2")
    .map(({ message }) => (message.kind === "heartbeat" ? message.round : -1));
}

describe("a linearizable read", () => {
  test("is decided by a quorum that answers a round begun after it", () => {
    const node = leader();
    node.raft.read(node.now, 7);
    expect(rounds(node)).toEqual([1]);
    // An answer to something sent before says nothing.
    expect(node.step("2", answer(0)).reads).toEqual([]);
    expect(node.step("3", answer(1)).reads).toEqual([{ id: 7, index: 1 }]);
    expect(node.step("2", answer(1)).reads).toEqual([]);
  });

  test("waits for the first commit of the leader's own term", () => {
    const node = new TestNode({ log: [1, 1], commit: 2 });
    node.lead();
    node.raft.read(node.now, 7);
    expect(node.take()).toEqual(NOTHING);
    const effects = node.step("2", { kind: "append-response", term: 2, round: 0, match: 3, rejection: null });
    expect(effects.commit).toBe(3);
    expect(effects.reads).toEqual([]);
    const confirmed = node.step("3", { kind: "heartbeat-response", term: 2, round: 1, match: 3 });
    expect(confirmed.reads).toEqual([{ id: 7, index: 3 }]);
  });

  test("is refused by a follower at once, and by a leader that falls", () => {
    expect(new TestNode().raft.isLeader).toBe(false);
    const follower = new TestNode();
    follower.raft.read(0, 1);
    expect(follower.take().reads).toEqual([{ id: 1, index: null }]);
    const node = leader();
    node.raft.read(node.now, 2);
    node.take();
    const effects = node.step("2", { kind: "append-response", term: 9, round: 1, match: 0, rejection: null });
    expect(effects.reads).toEqual([{ id: 2, index: null }]);
  });

  test("needs nobody in a cluster of one", () => {
    const node = new TestNode({ configuration: simpleConfiguration(["1"]) });
    node.lead();
    node.take();
    node.raft.read(node.now, 3);
    expect(node.take().reads).toEqual([{ id: 3, index: 1 }]);
  });

  test("an answer of an earlier term of the same leader does not confirm it", () => {
    const node = leader();
    node.raft.read(node.now, 1);
    node.take();
    // Deposed and elected again; the round numbers go on, so the old answer stays old.
    node.step("2", { kind: "append-response", term: 2, round: 0, match: 0, rejection: null });
    node.lead();
    expect(node.raft.core.term).toBe(3);
    node.step("2", { kind: "append-response", term: 3, round: 1, match: 2, rejection: null });
    node.raft.read(node.now, 2);
    node.take();
    expect(
      node.step("2", { kind: "append-response", term: 3, round: 1, match: 2, rejection: null }).reads,
    ).toEqual([]);
    expect(node.step("2", { kind: "heartbeat-response", term: 3, round: 2, match: 2 }).reads).toEqual([
      { id: 2, index: 2 },
    ]);
  });

  test("learners confirm nothing", () => {
    const node = leader({ configuration: simpleConfiguration(["1", "2", "3"], ["4"]) });
    node.raft.read(node.now, 1);
    node.take();
    expect(node.step("4", answer(1)).reads).toEqual([]);
    expect(node.step("3", answer(1)).reads).toEqual([{ id: 1, index: 1 }]);
  });
});

describe("rounds", () => {
  test("are shared: reads that come while one is out wait together for the next", () => {
    const node = leader({ configuration: simpleConfiguration(["1", "2", "3", "4", "5"]) });
    node.raft.read(node.now, 1);
    expect(rounds(node)).toEqual([1]);
    for (const id of [2, 3, 4]) node.raft.read(node.now, id);
    expect(rounds(node)).toEqual([]);
    // One of five is not a quorum: nothing begins yet.
    expect(node.step("2", answer(1))).toEqual(NOTHING);
    const effects = node.step("3", answer(1));
    expect(effects.reads).toEqual([{ id: 1, index: 1 }]);
    expect(effects.after.map(({ message }) => message)).toMatchObject(
      Array.from({ length: 4 }, () => ({ kind: "heartbeat", round: 2 })),
    );
    node.step("4", answer(2));
    expect(node.step("5", answer(2)).reads.map(({ id }) => id)).toEqual([2, 3, 4]);
  });

  test("that were lost are begun again with the next heartbeat", () => {
    const node = leader();
    node.raft.read(node.now, 1);
    node.raft.read(node.now, 2);
    expect(rounds(node)).toEqual([1]);
    node.tickAt(node.now + 100);
    expect(node.step("2", answer(2)).reads).toEqual([
      { id: 1, index: 1 },
      { id: 2, index: 1 },
    ]);
  });
});

describe("a cluster that shrinks to one voter", () => {
  function alone(reads: readonly number[]): TestNode {
    const node = leader({ configuration: simpleConfiguration(["1", "2"]) });
    for (const id of reads) node.raft.read(node.now, id);
    node.take();
    node.raft.proposeConfiguration(node.now, { voters: ["1"], learners: [] });
    node.take();
    // The joint configuration commits; the final one is in force at once.
    node.raft.step(node.now, "2", {
      kind: "append-response",
      term: 1,
      round: 0,
      match: 2,
      rejection: null,
    });
    return node;
  }

  test("decides the reads that waited for the others: nobody is left to answer them", () => {
    // The first read's round is out, the second waits for the next.
    expect(alone([1, 2]).take().reads).toEqual([
      { id: 1, index: 1 },
      { id: 2, index: 1 },
    ]);
  });

  test("decides later reads at once", () => {
    const node = alone([1, 2]);
    node.take();
    node.take();
    node.raft.read(node.now, 3);
    expect(node.take().reads).toMatchObject([{ id: 3 }]);
  });
});
