import { describe, expect, test } from "vitest";
import { simpleConfiguration } from "../../src/raft/configuration.ts";
import type { AppendRequest, Message } from "../../src/raft/message.ts";
import { command, empty, NOTHING, type NodeSetup, TestNode } from "./harness/node.ts";
import { payload } from "./harness/payload.ts";

function append(fields: Partial<AppendRequest>): AppendRequest {
  return {
    kind: "append",
    term: 1,
    previousIndex: 0,
    previousTerm: 0,
    entries: [],
    commit: 0,
    round: 0,
    ...fields,
  };
}

function matched(match: number, term = 1): Message {
  return { kind: "append-response", term, round: 0, match, rejection: null };
}

function rejected(previousIndex: number, hintIndex: number, hintTerm: number, term = 1): Message {
  return {
    kind: "append-response",
    term,
    round: 0,
    match: 0,
    rejection: { previousIndex, hintIndex, hintTerm },
  };
}

/** Leader 1 of term 1 over 2 and 3, both replicating, its empty entry committed. */
function leader(setup: NodeSetup = {}): TestNode {
  const node = new TestNode(setup);
  node.lead();
  const { last } = node.raft.core.log;
  node.step("2", matched(last, node.raft.core.term));
  node.step("3", matched(last, node.raft.core.term));
  node.take();
  return node;
}

describe("a follower", () => {
  test("stores what fits, commits what it has, and acknowledges after the write", () => {
    const node = new TestNode();
    const effects = node.step("2", append({ entries: [empty(1, 1), command(2, 1, "x")], commit: 1 }));
    expect(effects).toEqual({
      ...NOTHING,
      hardState: { term: 1, vote: null },
      append: [empty(1, 1), command(2, 1, "x")],
      commit: 1,
      after: [{ to: "2", message: matched(2) }],
    });
  });

  test("never commits beyond what the leader has vouched for: its own tail may differ", () => {
    const node = new TestNode({ log: [1, 1, 1], term: 2 });
    const effects = node.step("2", append({ term: 2, previousIndex: 1, previousTerm: 1, commit: 3 }));
    expect(effects.commit).toBe(1);
    expect(effects.truncateFrom).toBeNull();
  });

  test("deletes from the first conflict on, in the same write as what replaces it", () => {
    const node = new TestNode({ log: [1, 1, 1, 1], term: 2 });
    const effects = node.step(
      "2",
      append({
        term: 2,
        previousIndex: 1,
        previousTerm: 1,
        entries: [command(2, 1, "1.2"), command(3, 2, "new")],
      }),
    );
    expect(effects).toMatchObject({ truncateFrom: 3, append: [command(3, 2, "new")] });
    expect(node.raft.core.log.last).toBe(3);
  });

  test("keeps what follows matching entries: a late append does not shorten the log", () => {
    const node = new TestNode({ log: [1, 1, 1, 1] });
    const effects = node.step("2", append({ entries: [command(1, 1, "1.1"), command(2, 1, "1.2")] }));
    expect(effects).toEqual({ ...NOTHING, after: [{ to: "2", message: matched(2) }] });
    expect(node.raft.core.log.last).toBe(4);
  });

  test("takes the committed prefix as matching without looking", () => {
    const node = new TestNode({ log: [1, 1, 1], commit: 2 });
    const effects = node.step(
      "2",
      append({ previousIndex: 1, previousTerm: 1, entries: [command(2, 1, "1.2")] }),
    );
    expect(effects.after).toEqual([{ to: "2", message: matched(2) }]);
  });

  test.each([
    ["a log that is too short", [1, 1], 5, 4, { hintIndex: 2, hintTerm: 1 }],
    ["a later term there", [1, 3, 3, 3], 4, 2, { hintIndex: 1, hintTerm: 1 }],
    ["an earlier term there", [1, 2, 2, 2], 4, 3, { hintIndex: 4, hintTerm: 2 }],
  ])("rejects with a hint: %s", (_, log, previousIndex, previousTerm, hint) => {
    const node = new TestNode({ log, term: 4 });
    const effects = node.step("2", append({ term: 4, previousIndex, previousTerm }));
    expect(effects.after).toEqual([
      { to: "2", message: rejected(previousIndex, hint.hintIndex, hint.hintTerm, 4) },
    ]);
  });

  test("hears of commits by heartbeat, if its entry there is the leader's", () => {
    const node = new TestNode({ log: [1, 1] });
    const heartbeat = { kind: "heartbeat", term: 1, commit: 2, lastIndex: 2, lastTerm: 1, round: 4 } as const;
    expect(node.step("2", heartbeat)).toEqual({
      ...NOTHING,
      commit: 2,
      after: [{ to: "2", message: { kind: "heartbeat-response", term: 1, round: 4, match: 2 } }],
    });
    const other = new TestNode({ log: [1, 1], term: 3 });
    expect(other.step("2", { ...heartbeat, term: 3, lastTerm: 3 })).toEqual({
      ...NOTHING,
      after: [{ to: "2", message: { kind: "heartbeat-response", term: 3, round: 4, match: 0 } }],
    });
  });
});

describe("a leader", () => {
  test("sends proposals before it stores them, and stores and commits them when that makes a quorum", () => {
    const node = leader();
    expect(node.raft.propose(node.now, payload("x"))).toEqual({ kind: "accepted", index: 2, term: 1 });
    const message = append({ previousIndex: 1, previousTerm: 1, entries: [command(2, 1, "x")], commit: 1 });
    expect(node.take()).toEqual({
      ...NOTHING,
      first: [
        { to: "2", message },
        { to: "3", message },
      ],
    });
    expect(node.step("3", matched(2))).toEqual({ ...NOTHING, append: [command(2, 1, "x")] });
    const news = append({ previousIndex: 2, previousTerm: 1, commit: 2 });
    expect(node.take()).toEqual({
      ...NOTHING,
      commit: 2,
      after: [
        { to: "2", message: news },
        { to: "3", message: news },
      ],
    });
  });

  test("commits nothing that it has not stored itself, be it on a quorum of others", () => {
    const node = leader();
    node.raft.propose(node.now, payload("x"));
    node.raft.takeEffects();
    node.raft.step(node.now, "2", matched(2));
    node.raft.step(node.now, "3", matched(2));
    expect(node.raft.core.log.commit).toBe(1);
    expect(node.take()).toEqual({ ...NOTHING, append: [command(2, 1, "x")] });
    expect(node.raft.core.log.commit).toBe(2);
  });

  test.each([
    ["a heartbeat", (node: TestNode) => node.raft.tick(node.now + 100)],
    ["its term ends", (node: TestNode) => node.raft.step(node.now, "2", matched(0, 2))],
  ])("stores what waits when %s", (_what, event) => {
    const node = leader();
    node.raft.propose(node.now, payload("x"));
    node.take();
    event(node);
    expect(node.take().append).toEqual([command(2, 1, "x")]);
  });

  test("stores a configuration at once, and commands before it", () => {
    const node = leader();
    node.raft.propose(node.now, payload("x"));
    node.take();
    node.raft.proposeConfiguration(node.now, { voters: ["1", "2", "3"], learners: ["4"] });
    expect(node.take().append.map(({ kind }) => kind)).toEqual(["command", "configuration"]);
  });

  test("alone it stores at once", () => {
    const node = new TestNode({ configuration: simpleConfiguration(["1"]) });
    node.lead();
    node.take();
    node.raft.propose(node.now, payload("x"));
    expect(node.take().append.at(-1)).toMatchObject({ kind: "command" });
  });

  test("does not count its own copy before it is stored", () => {
    const node = leader();
    node.raft.propose(node.now, payload("x"));
    node.raft.step(node.now, "2", matched(2));
    expect(node.raft.core.log.commit).toBe(1);
    node.take();
    expect(node.raft.core.log.commit).toBe(2);
  });

  test("does not commit entries of earlier terms by counting copies (figure 8)", () => {
    const node = new TestNode({ log: [1, 2], term: 3, commit: 1 });
    node.lead();
    node.step("2", matched(2, 4));
    node.step("3", matched(2, 4));
    expect(node.raft.core.log.commit).toBe(1);
    expect(node.step("2", matched(3, 4)).commit).toBe(3);
  });

  test("stops sending when the window is full, and goes on when it opens", () => {
    const node = leader({ options: { inflightMessagesMax: 2, appendBytesMax: 1 } });
    for (const text of ["a", "b", "c", "d"]) node.raft.propose(node.now, payload(text));
    const toTwo = node.take().first.filter(({ to }) => to === "2");
    expect(toTwo.map(({ message }) => (message.kind === "append" ? message.entries[0]?.index : 0))).toEqual([
      2, 3,
    ]);
    const more = node.step("2", matched(2)).first.filter(({ to }) => to === "2");
    expect(more).toMatchObject([{ message: { previousIndex: 3, entries: [command(4, 1, "c")] } }]);
  });

  test("closes the window by bytes too, and lets one oversized append through alone", () => {
    const node = leader({ options: { inflightBytesMax: 4, appendBytesMax: 2 } });
    for (const text of ["abcdefgh", "x"]) node.raft.propose(node.now, payload(text));
    expect(node.take().first.filter(({ to }) => to === "2")).toHaveLength(1);
    expect(node.step("2", matched(2)).first.filter(({ to }) => to === "2")).toMatchObject([
      { message: { entries: [command(3, 1, "x")] } },
    ]);
  });

  test("refuses proposals above the cap until some commit; a single large one is always taken", () => {
    const node = leader({ options: { uncommittedBytesMax: 4 } });
    expect(node.raft.propose(node.now, payload("abcdefgh")).kind).toBe("accepted");
    expect(node.raft.propose(node.now, payload("x"))).toEqual({ kind: "overloaded" });
    node.take();
    node.step("2", matched(2));
    expect(node.raft.propose(node.now, payload("x")).kind).toBe("accepted");
  });

  test("answers one rejection with one probe, and repeated ones not at all", () => {
    const node = leader({ log: [1, 1, 1, 1] });
    const { term } = node.raft.core;
    node.raft.propose(node.now, payload("x"));
    node.take();
    // Node 2 has lost nothing; the append overtook another. Probing starts right after its match.
    const effects = node.step("2", rejected(5, 2, 1, term));
    expect(effects).toEqual(NOTHING);
    node.raft.propose(node.now, payload("y"));
    node.take();
    const probe = node.step("2", rejected(6, 2, 1, term));
    expect(TestNode.sent(probe)).toMatchObject([{ to: "2", message: { kind: "append", previousIndex: 5 } }]);
    expect(node.step("2", rejected(6, 2, 1, term))).toEqual(NOTHING);
    expect(node.step("2", rejected(6, 2, 1, term))).toEqual(NOTHING);
  });

  test("skips whole terms when it looks for the point of agreement", () => {
    const node = new TestNode({ log: [1, 1, 2, 2, 3, 3], term: 4 });
    node.lead();
    // The follower's newest term at or below 3 is 1, at 4: in this log, term 1 ends at 2.
    const effects = node.step("2", rejected(6, 4, 1, 5));
    expect(TestNode.sent(effects)).toMatchObject([
      { to: "2", message: { previousIndex: 2, previousTerm: 1 } },
    ]);
  });

  test("an answer that says nothing of the log moves nothing: it was meant for an earlier term of this leader", () => {
    const node = new TestNode({ log: [1, 1, 1] });
    node.lead();
    const before = { ...node.raft.core.progress.get("2"), heardAt: 0 };
    expect(node.step("2", matched(0, 2))).toEqual(NOTHING);
    expect({ ...node.raft.core.progress.get("2"), heardAt: 0 }).toEqual(before);
  });

  test("steps down when it has not heard a quorum for one election time", () => {
    const node = leader();
    const start = node.now;
    node.tickAt(start + 900);
    node.step("2", { kind: "heartbeat-response", term: 1, round: 0, match: 1 });
    node.tickAt(start + 1900);
    expect(node.raft.core.role).toBe("leader");
    node.tickAt(start + 2001);
    expect(node.raft.core.role).toBe("follower");
    expect(node.raft.core.term).toBe(1);
  });

  test("a late tick fires each deadline once", () => {
    const node = leader();
    node.step("2", { kind: "heartbeat-response", term: 1, round: 0, match: 1 });
    const effects = node.tickAt(node.now + 950);
    expect(TestNode.sent(effects).map(({ to, message }) => `${to} ${message.kind}`)).toEqual([
      "2 heartbeat",
      "3 heartbeat",
    ]);
    expect(node.tickAt(node.now)).toEqual(NOTHING);
  });

  test("waits with news of a commit for an append that carries it, but not for ever", () => {
    const node = leader({ options: { commitNewsMs: 20 } });
    node.tickAt(node.now + 20);
    node.raft.propose(node.now, payload("x"));
    node.take();
    node.step("2", matched(2));
    expect(node.take()).toEqual({ ...NOTHING, commit: 2 });
    expect(node.raft.deadline()).toBe(node.now + 20);
    node.raft.propose(node.now, payload("y"));
    expect(node.take().first).toMatchObject([{ message: { commit: 2 } }, { message: { commit: 2 } }]);
    node.step("2", matched(3));
    expect(node.take()).toEqual({ ...NOTHING, commit: 3 });
    expect(TestNode.sent(node.tickAt(node.now + 20))).toMatchObject([
      { to: "2", message: { entries: [], commit: 3 } },
      { to: "3", message: { entries: [], commit: 3 } },
    ]);
  });

  test("has no news for a silent follower whose position is compacted: it must not be woken for it again and again", () => {
    const node = leader({ options: { commitNewsMs: 20, inflightMessagesMax: 1 } });
    for (const text of ["a", "b", "c", "d"]) {
      node.raft.propose(node.now, payload(text));
      node.take();
      node.step("2", matched(node.raft.core.log.last));
    }
    // Node 3 is silent for long; 2 is heard.
    for (let i = 0; i < 15; i += 1) {
      node.tickAt(node.now + 100);
      node.step("2", { kind: "heartbeat-response", term: 1, round: 0, match: 5 });
    }
    node.raft.compactLog(5);
    node.raft.propose(node.now, payload("e"));
    node.take();
    node.step("2", matched(6));
    for (let i = 0; i < 3; i += 1) {
      node.tickAt(node.now + 20);
      node.take();
    }
    expect((node.raft.deadline() ?? 0) - node.now).toBeGreaterThan(20);
  });
});

describe("a snapshot", () => {
  test("is wanted for a follower that answers and whose position is gone, once", () => {
    const node = leader();
    for (const text of ["a", "b"]) node.raft.propose(node.now, payload(text));
    node.take();
    node.step("2", matched(3));
    node.take();
    node.raft.compactLog(3);
    const effects = node.step("3", rejected(3, 1, 1));
    expect(effects).toEqual({ ...NOTHING, snapshotsWanted: ["3"] });
    expect(node.step("3", { kind: "heartbeat-response", term: 1, round: 0, match: 0 })).toEqual(NOTHING);
    node.raft.offerSnapshot(node.now, "3", "session");
    expect(node.take()).toEqual({
      ...NOTHING,
      after: [
        {
          to: "3",
          message: {
            kind: "snapshot",
            term: 1,
            index: 3,
            snapshotTerm: 1,
            configuration: simpleConfiguration(["1", "2", "3"]),
            configurationIndex: 0,
            session: "session",
            round: 0,
          },
        },
      ],
    });
    node.step("3", matched(3));
    expect(node.raft.core.progress.get("3")).toMatchObject({ state: "replicate", match: 3, next: 4 });
  });

  const offer = {
    kind: "snapshot",
    term: 2,
    index: 3,
    snapshotTerm: 2,
    configuration: simpleConfiguration(["1", "2", "3"]),
    configurationIndex: 0,
    session: "s",
    round: 5,
  } as const;

  test("is pulled when the log does not have its point", () => {
    const node = new TestNode({ log: [1, 1, 1, 1], term: 2 });
    expect(node.step("2", offer)).toEqual({
      ...NOTHING,
      snapshotOffered: {
        from: "2",
        session: "s",
        index: 3,
        term: 2,
        configuration: offer.configuration,
        configurationIndex: 0,
      },
    });
  });

  test("is not needed when the log has its point: only the commit was missing", () => {
    const node = new TestNode({ log: [1, 1, 2, 2], term: 2 });
    expect(node.step("2", offer)).toEqual({
      ...NOTHING,
      commit: 3,
      after: [{ to: "2", message: { ...matched(3, 2), round: 5 } }],
    });
  });

  test("replaces a log that contradicts it, tail included, and is acknowledged", () => {
    const node = new TestNode({ log: [1, 1, 1, 1], term: 2, commit: 1 });
    node.step("2", offer);
    const { index, snapshotTerm: term, configuration } = offer;
    expect(node.raft.installSnapshot(node.now, { index, term }, { index: 0, configuration })).toBe(true);
    expect(node.raft.takeEffects()).toEqual({ ...NOTHING, after: [{ to: "2", message: matched(3, 2) }] });
    const { first, last, commit } = node.raft.core.log;
    expect([first, last, commit, node.raft.core.applied]).toEqual([4, 3, 3, 3]);
  });

  test("is dropped when the log went past it meanwhile", () => {
    const node = new TestNode({ log: [1, 1, 2, 2], term: 2, commit: 4 });
    const { index, snapshotTerm: term, configuration } = offer;
    expect(node.raft.installSnapshot(node.now, { index, term }, { index: 0, configuration })).toBe(false);
    expect(node.take()).toEqual(NOTHING);
  });
});
