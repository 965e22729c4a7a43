import { describe, expect, it } from "vitest";
import { type ReadFate, Reads } from "../../src/engine/reads.ts";

function setUp() {
  const questions: ((index: number | null) => void)[] = [];
  let now = 0;
  const reads = new Reads(
    (answered) => questions.push(answered),
    () => now,
  );
  /** What the engine does when a read comes. */
  const read = (expiresAt = 1_000, minRevision = 0): ReadFate[] => {
    const fate: ReadFate[] = [];
    reads.linearizable(now, expiresAt, minRevision, (settled) => fate.push(settled));
    reads.ask(now);
    return fate;
  };
  /** What it does when a timer fires. */
  const tickAt = (at: number): void => {
    now = at;
    reads.ticked();
    reads.expire(now);
    reads.ask(now);
  };
  const answer = (question: number, index: number | null) => questions[question]?.(index);
  return { reads, questions, read, answer, tickAt };
}

describe("reads", () => {
  it("waits until the read index is applied", () => {
    const { reads, read, answer } = setUp();
    const fate = read();
    answer(0, 10);
    reads.applied(9, 1);
    expect(fate).toEqual([]);
    reads.applied(10, 1);
    expect(fate).toEqual([{ kind: "ready" }]);
  });

  it("never uses a question for a read that arrived after it left", () => {
    const { reads, questions, read, answer } = setUp();
    const early = read();
    const late = read();
    expect(questions).toHaveLength(1);
    answer(0, 5);
    reads.applied(5, 1);
    expect(early).toEqual([{ kind: "ready" }]);
    expect(late).toEqual([]);
    expect(questions).toHaveLength(2);
    answer(1, 6);
    reads.applied(6, 1);
    expect(late).toEqual([{ kind: "ready" }]);
  });

  it("shares one question among all that wait", () => {
    const { reads, questions, read, answer, tickAt } = setUp();
    read();
    const others = Array.from({ length: 10 }, () => read());
    answer(0, 1);
    tickAt(0);
    expect(questions).toHaveLength(2);
    answer(1, 2);
    reads.applied(2, 1);
    expect(others.flat()).toEqual(others.map(() => ({ kind: "ready" })));
  });

  it("asks at once for a lone reader, however often it comes", () => {
    const { reads, questions, read, answer } = setUp();
    for (let i = 0; i < 5; i += 1) {
      const fate = read();
      answer(i, i);
      reads.applied(i, 1);
      expect(fate).toEqual([{ kind: "ready" }]);
    }
    expect(questions).toHaveLength(5);
  });

  it("waits a moment for company where there was some, and for a timer", () => {
    const { reads, questions, read, answer, tickAt } = setUp();
    read();
    for (let i = 0; i < 8; i += 1) read();
    answer(0, 1);
    expect(questions).toHaveLength(2);
    for (let i = 0; i < 8; i += 1) read();
    answer(1, 2);
    // Sixteen waited lately, eight are here.
    expect([questions.length, reads.askDeadline()]).toEqual([2, 2]);
    for (let i = 0; i < 4; i += 1) read();
    // That is company enough, but others may have come that nobody has heard yet.
    expect([questions.length, reads.askDeadline()]).toEqual([2, 0]);
    tickAt(0);
    expect(questions).toHaveLength(3);
    tickAt(500);
    answer(2, 3);
    const early = read(10_000);
    tickAt(500);
    expect([questions.length, reads.askDeadline()]).toEqual([3, 502]);
    tickAt(501);
    expect(questions).toHaveLength(3);
    tickAt(502);
    expect(questions).toHaveLength(4);
    answer(3, 4);
    reads.applied(4, 1);
    expect(early).toEqual([{ kind: "ready" }]);
  });

  it("goes on asking when everybody who waited for an answer is gone", () => {
    const { reads, questions, read, tickAt } = setUp();
    read(10);
    for (let i = 0; i < 8; i += 1) read(1_000);
    tickAt(10);
    expect(questions).toHaveLength(2);
    expect(reads.count).toBe(8);
  });

  it("reports that nobody leads", () => {
    const { read, answer } = setUp();
    const fate = read();
    answer(0, null);
    expect(fate).toEqual([{ kind: "no-leader" }]);
  });

  it("ignores an answer that comes when everybody who waited for it is gone", () => {
    const { reads, questions, read, answer, tickAt } = setUp();
    const gone = read(10);
    const waiting = read(1_000);
    tickAt(10);
    expect(gone).toEqual([{ kind: "expired" }]);
    expect(questions).toHaveLength(2);
    answer(0, 3);
    reads.applied(3, 1);
    expect(waiting).toEqual([]);
    answer(1, 4);
    reads.applied(4, 1);
    expect(waiting).toEqual([{ kind: "ready" }]);
  });

  it("waits for a minimal revision without asking anybody", () => {
    const { reads, questions } = setUp();
    const fate: ReadFate[] = [];
    reads.atRevision(1_000, 8, (settled) => fate.push(settled));
    reads.applied(100, 7);
    expect(fate).toEqual([]);
    reads.applied(101, 8);
    expect(fate).toEqual([{ kind: "ready" }]);
    expect(questions).toEqual([]);
  });
});
