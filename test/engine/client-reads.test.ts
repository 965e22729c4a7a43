/** Reads at a follower whose leader is played by the test. */
import { expect, test } from "vitest";
import type { Access } from "../../src/engine/access.ts";
import { ClientReads } from "../../src/engine/client-reads.ts";
import type { EngineContext } from "../../src/engine/engine-context.ts";
import type { ReadIndexAnswer } from "../../src/engine/peer-api.ts";

type Told = (later: number, answer: ReadIndexAnswer | null) => void;

class Follower {
  now = 1_000;
  applied = 5;
  /** What whoever asks is refused with. */
  refusal: string | null = null;
  /** Questions that the leader has not answered. */
  readonly questions: Told[] = [];
  readonly reads: ClientReads;
  #answers: (() => void)[] = [];

  constructor() {
    const follower = this;
    const header = { member: "r1" };
    const context = {
      get now() {
        return follower.now;
      },
      stopped: null,
      header: () => header,
      machine: { isRestoring: false, state: () => ({ revision: 1 }) },
      peers: { addressTo: () => ({}) },
      sender: { readIndex: (_address: unknown, told: Told) => this.questions.push(told) },
      raft: {
        isLeader: false,
        wake: () => undefined,
        core: {
          leader: "r2",
          isProbing: false,
          get applied() {
            return follower.applied;
          },
        },
      },
      turn: (now: number, input: () => void) => this.#turn(now, input),
      afterTurn: (answer: () => void) => this.#answers.push(answer),
      answerAt: (_now: number, answer: () => void) => answer(),
    };
    const access = { refusal: () => this.refusal };
    // All that reads at a follower touch.
    this.reads = new ClientReads(context as unknown as EngineContext, access as unknown as Access);
  }

  read(maxStalenessMs: number): string[] {
    const outcome: string[] = [];
    const call = { consistency: "linearizable", maxStalenessMs, minRevision: 0, timeoutMs: 500 } as const;
    this.reads.allow(
      this.now,
      call,
      () => [],
      (reply) => outcome.push(reply.kind === "rejected" ? reply.error : reply.reason),
      () => outcome.push("answered"),
    );
    return outcome;
  }

  /** The leader's answer to the oldest question. */
  answer(index: number): void {
    this.questions.shift()?.(this.now, { kind: "index", index });
  }

  apply(index: number): void {
    this.#turn(this.now, () => {
      this.applied = index;
    });
  }

  #turn(now: number, input: () => void): void {
    this.now = Math.max(this.now, now);
    input();
    this.reads.advance(this.now);
    this.reads.applied(this.applied, 1);
    const answers = this.#answers;
    this.#answers = [];
    for (const answer of answers) answer();
  }
}

test("what a follower was told is as old as its question", () => {
  const follower = new Follower();
  const first = follower.read(100);
  follower.now += 60;
  follower.answer(5);
  expect(first).toEqual(["answered"]);
  follower.now += 40;
  expect(follower.read(100)).toEqual(["answered"]);
  follower.now += 1;
  expect(follower.read(100)).toEqual([]);
  expect(follower.questions).toHaveLength(1);
});

test("what is not applied yet does not count", () => {
  const follower = new Follower();
  const first = follower.read(100);
  follower.answer(7);
  const second = follower.read(100);
  follower.apply(6);
  expect([first, second]).toEqual([[], []]);
  follower.apply(7);
  expect(first).toEqual(["answered"]);
  expect(follower.read(100)).toEqual(["answered"]);
});

test("a token that is not known to the state at hand may be newer: it is refused only with all that was told to anybody", () => {
  const follower = new Follower();
  follower.read(100);
  follower.answer(5);
  follower.refusal = "invalidAuthToken";
  const unknown = follower.read(100);
  expect([unknown, follower.questions.length]).toEqual([[], 1]);
  follower.answer(6);
  follower.refusal = null;
  follower.apply(6);
  expect(unknown).toEqual(["answered"]);
  follower.refusal = "permissionDenied";
  expect(follower.read(100)).toEqual(["permissionDenied"]);
});

test("a clock that was set back voids a question that is out", () => {
  const follower = new Follower();
  const first = follower.read(100);
  follower.reads.clockSetBack();
  follower.answer(5);
  expect(first).toEqual(["answered"]);
  expect(follower.read(100)).toEqual([]);
});
