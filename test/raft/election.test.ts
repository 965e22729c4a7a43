import { describe, expect, test } from "vitest";
import { simpleConfiguration } from "../../src/raft/configuration.ts";
import type { VoteRequest } from "../../src/raft/message.ts";
import { empty, NOTHING, TestNode } from "./harness/node.ts";

const ballot: VoteRequest = { kind: "vote", term: 2, lastIndex: 1, lastTerm: 1, transfer: false };
const heartbeat = { kind: "heartbeat", term: 1, commit: 0, lastIndex: 0, lastTerm: 0, round: 0 } as const;

describe("campaigning", () => {
  test("asks before it enters a term: nothing is stored", () => {
    const node = new TestNode({ log: [1] });
    const effects = node.tickAt(2000);
    const question = { kind: "pre-vote", term: 2, lastIndex: 1, lastTerm: 1 };
    expect(effects).toEqual({
      ...NOTHING,
      after: [
        { to: "2", message: question },
        { to: "3", message: question },
      ],
    });
    expect(node.raft.core.term).toBe(1);
  });

  test("enters the term with its own vote stored before anybody is asked", () => {
    const node = new TestNode({ log: [1] });
    node.tickAt(2000);
    const effects = node.step("2", { kind: "vote-response", term: 2, preVote: true, granted: true });
    expect(effects).toEqual({
      ...NOTHING,
      hardState: { term: 2, vote: "1" },
      after: [
        { to: "2", message: ballot },
        { to: "3", message: ballot },
      ],
    });
  });

  test("the winner's first act is an empty entry of its own term, sent while it is being stored", () => {
    const node = new TestNode({ log: [1] });
    node.tickAt(2000);
    node.step("2", { kind: "vote-response", term: 2, preVote: true, granted: true });
    const effects = node.step("3", { kind: "vote-response", term: 2, preVote: false, granted: true });
    const append = {
      kind: "append",
      term: 2,
      previousIndex: 1,
      previousTerm: 1,
      entries: [empty(2, 2)],
      commit: 0,
      round: 0,
    };
    expect(effects).toEqual({
      ...NOTHING,
      first: [
        { to: "2", message: append },
        { to: "3", message: append },
      ],
      append: [empty(2, 2)],
    });
  });

  test("answers of another campaign do not count", () => {
    const node = new TestNode({ log: [1] });
    node.tickAt(2000);
    // A ballot's grant is no pre-vote's grant, and one for this very term is an old one.
    expect(node.step("2", { kind: "vote-response", term: 1, preVote: true, granted: true })).toEqual(NOTHING);
    expect(node.step("2", { kind: "vote-response", term: 1, preVote: false, granted: true })).toEqual(
      NOTHING,
    );
    expect(node.raft.core.role).toBe("pre-candidate");
  });

  test("a node's first answer counts, a second one changes nothing", () => {
    const node = new TestNode({ configuration: simpleConfiguration(["1", "2", "3", "4", "5"]) });
    node.tickAt(2000);
    const refused = { kind: "vote-response", term: 0, preVote: true, granted: false } as const;
    for (let i = 0; i < 3; i += 1) node.step("2", refused);
    expect(node.raft.core.role).toBe("pre-candidate");
    node.step("2", { kind: "vote-response", term: 1, preVote: true, granted: true });
    node.step("3", { kind: "vote-response", term: 1, preVote: true, granted: true });
    expect(node.raft.core.role).toBe("pre-candidate");
    node.step("4", { kind: "vote-response", term: 1, preVote: true, granted: true });
    expect(node.raft.core.role).toBe("candidate");
  });

  test("a refusal with a higher term is adopted, and ends the campaign", () => {
    const node = new TestNode({ log: [1] });
    node.tickAt(2000);
    const effects = node.step("2", { kind: "vote-response", term: 7, preVote: true, granted: false });
    expect(effects).toEqual({ ...NOTHING, hardState: { term: 7, vote: null } });
    expect(node.raft.core.role).toBe("follower");
  });

  test("a single voter needs nobody", () => {
    const node = new TestNode({ configuration: simpleConfiguration(["1"]) });
    expect(node.tickAt(0)).toEqual({ ...NOTHING, hardState: { term: 1, vote: "1" }, append: [empty(1, 1)] });
    expect(node.take()).toEqual({ ...NOTHING, commit: 1 });
  });

  test("learners wait for ever", () => {
    const node = new TestNode({ id: "4", configuration: simpleConfiguration(["1", "2", "3"], ["4"]) });
    expect(node.raft.deadline()).toBeNull();
    expect(node.tickAt(100_000)).toEqual(NOTHING);
    expect(node.step("1", { kind: "timeout-now", term: 0 })).toEqual(NOTHING);
  });

  test("timeouts lie between one and two election times, and differ by seed", () => {
    const deadlines = new Set<number>();
    for (let term = 1; term <= 50; term += 1) {
      const node = new TestNode({ log: [1] });
      const { core } = node.raft;
      const at = core.electionAt ?? 0;
      expect(at).toBeGreaterThanOrEqual(1000);
      expect(at).toBeLessThan(2000);
      for (let i = 0; i < term; i += 1) core.armElection();
      deadlines.add(core.electionAt ?? 0);
    }
    expect(deadlines.size).toBeGreaterThan(30);
  });
});

describe("voting", () => {
  test("once a term: the vote is stored with the term, a second candidate is refused, the first may ask again", () => {
    const node = new TestNode({ log: [1] });
    const granted = { kind: "vote-response", term: 2, preVote: false, granted: true };
    expect(node.step("2", ballot)).toEqual({
      ...NOTHING,
      hardState: { term: 2, vote: "2" },
      after: [{ to: "2", message: granted }],
    });
    expect(node.step("3", ballot)).toEqual({
      ...NOTHING,
      after: [{ to: "3", message: { ...granted, granted: false } }],
    });
    expect(node.step("2", ballot)).toEqual({ ...NOTHING, after: [{ to: "2", message: granted }] });
  });

  test("stepping down within the term does not free the vote", () => {
    const node = new TestNode({ log: [1] });
    node.tickAt(2000);
    node.step("2", { kind: "vote-response", term: 2, preVote: true, granted: true });
    node.step("3", { kind: "append", ...followingNothing(2) });
    expect(node.raft.core.role).toBe("follower");
    expect(node.raft.core.vote).toBe("1");
  });

  test.each([
    ["a shorter log of the same term", [1, 1], { lastIndex: 1, lastTerm: 1 }, false],
    ["an equal log", [1, 1], { lastIndex: 2, lastTerm: 1 }, true],
    ["a shorter log of a later term", [1, 1, 1], { lastIndex: 1, lastTerm: 2 }, true],
    ["a longer log of an earlier term", [1, 2], { lastIndex: 9, lastTerm: 1 }, false],
  ])("%s", (_, log, last, granted) => {
    const node = new TestNode({ log, term: 2 });
    const effects = node.step("2", { ...ballot, ...last, term: 3 });
    expect(effects.after).toEqual([
      { to: "2", message: { kind: "vote-response", term: 3, preVote: false, granted } },
    ]);
    // The term is adopted whatever the answer.
    expect(effects.hardState).toEqual({ term: 3, vote: granted ? "2" : null });
  });

  test("a granted pre-vote promises and stores nothing, and may be given to two", () => {
    const node = new TestNode({ log: [1] });
    const question = { kind: "pre-vote", term: 2, lastIndex: 1, lastTerm: 1 } as const;
    const granted = { kind: "vote-response", term: 2, preVote: true, granted: true };
    expect(node.step("2", question)).toEqual({ ...NOTHING, after: [{ to: "2", message: granted }] });
    expect(node.step("3", question)).toEqual({ ...NOTHING, after: [{ to: "3", message: granted }] });
  });

  test("a node that hears its leader refuses ballots at its own term, except ordered ones", () => {
    const node = new TestNode({ log: [1] });
    node.step("3", heartbeat);
    node.now = 999;
    const refused = { kind: "vote-response", term: 1, preVote: false, granted: false };
    expect(node.step("2", ballot)).toEqual({ ...NOTHING, after: [{ to: "2", message: refused }] });
    const ordered = node.step("2", { ...ballot, transfer: true });
    expect(ordered.hardState).toEqual({ term: 2, vote: "2" });
  });

  test("after one election time of silence it listens again", () => {
    const node = new TestNode({ log: [1] });
    node.step("3", heartbeat);
    node.now = 1000;
    expect(node.step("2", ballot).hardState).toEqual({ term: 2, vote: "2" });
  });

  test("a ballot of an earlier term is refused with the newer one", () => {
    const node = new TestNode({ log: [1], term: 5 });
    expect(node.step("2", ballot)).toEqual({
      ...NOTHING,
      after: [{ to: "2", message: { kind: "vote-response", term: 5, preVote: false, granted: false } }],
    });
  });
});

describe("terms", () => {
  test("a leader of an earlier term is told the newer one", () => {
    const node = new TestNode({ log: [1], term: 5 });
    expect(node.step("2", heartbeat)).toEqual({
      ...NOTHING,
      after: [
        { to: "2", message: { kind: "append-response", term: 5, round: 0, match: 0, rejection: null } },
      ],
    });
  });

  test("two leaders in one term stop the node", () => {
    const node = new TestNode({ log: [1] });
    node.step("2", heartbeat);
    expect(() => node.step("3", heartbeat)).toThrow("two leaders in term 1");
  });

  test("time never runs backwards inside", () => {
    const node = new TestNode({ log: [1] });
    node.tickAt(900);
    node.now = 0;
    node.step("2", heartbeat);
    expect(node.raft.core.leaderHeardAt).toBe(900);
  });
});

function followingNothing(term: number) {
  return { term, previousIndex: 0, previousTerm: 0, entries: [], commit: 0, round: 0 } as const;
}
