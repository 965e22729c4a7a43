import { describe, expect, it } from "vitest";
import { type ReadFate, Reads } from "../../src/engine/reads.ts";

function setUp() {
  const questions: ((index: number | null) => void)[] = [];
  const reads = new Reads((answered) => questions.push(answered));
  const fates: ReadFate[][] = [];
  const read = (expiresAt = 1_000, minRevision = 0): ReadFate[] => {
    const fate: ReadFate[] = [];
    fates.push(fate);
    reads.linearizable(expiresAt, minRevision, (settled) => fate.push(settled));
    return fate;
  };
  const answer = (question: number, index: number | null) => questions[question]?.(index);
  return { reads, questions, read, answer };
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
    const { questions, read, answer } = setUp();
    read();
    for (let i = 0; i < 10; i += 1) read();
    answer(0, 1);
    expect(questions).toHaveLength(2);
  });

  it("reports that nobody leads", () => {
    const { read, answer } = setUp();
    const fate = read();
    answer(0, null);
    expect(fate).toEqual([{ kind: "no-leader" }]);
  });

  it("ignores an answer that comes when everybody who waited for it is gone", () => {
    const { reads, questions, read, answer } = setUp();
    const gone = read(10);
    const waiting = read(1_000);
    reads.expire(10);
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
