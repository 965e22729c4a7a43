/** Which calls begin, who is answered, and when a session ends. */
import { describe, expect, test } from "vitest";
import { LIMITS } from "../../../src/base/limits.ts";
import { callBytes, messageOf, SessionHarness, settled } from "./harness.ts";

const GARBAGE = Uint8Array.of(0xff, 0xff, 0xff);

describe("calls", () => {
  test("are answered as they end, and those that end together in one message", async () => {
    const session = new SessionHarness();
    session.calls(1, 2, 3);
    expect(session.served.map(({ id }) => id)).toEqual([1, 2, 3]);
    await session.end(2);
    await Promise.all([session.end(3), session.end(1)]);
    expect(session.answers.map(({ id }) => id)).toEqual([2, 3, 1]);
    // The welcome, and two messages of answers.
    expect(session.told.length).toBe(3);
  });

  test("beyond the window are refused and not begun; a place is free when a call has ended", async () => {
    const session = new SessionHarness();
    const { sessionCallsMax } = LIMITS;
    expect(session.told[0]?.welcome?.callsMax).toBe(sessionCallsMax);
    session.calls(...Array.from({ length: sessionCallsMax + 1 }, (_, place) => place + 1));
    await settled();
    expect(session.served.length).toBe(sessionCallsMax);
    expect(session.answers).toMatchObject([{ id: sessionCallsMax + 1, code: 8, notBegun: true }]);
    await session.end(7);
    session.calls(sessionCallsMax + 2);
    expect(session.served.at(-1)?.id).toBe(sessionCallsMax + 2);
  });

  test("with too many bytes in flight are refused", async () => {
    const session = new SessionHarness();
    const request = new Uint8Array(3 * 1024 * 1024);
    for (let id = 1; id <= 6; id += 1) session.send({ calls: [{ id, path: "/p", request }] });
    await settled();
    expect(session.served.map(({ id }) => id)).toEqual([1, 2, 3, 4, 5]);
    expect(session.answer(6)).toMatchObject({ code: 8, notBegun: true });
    await session.end(1);
    session.send({ calls: [{ id: 7, path: "/p", request }] });
    expect(session.served.at(-1)?.id).toBe(7);
  });

  test("that are cancelled keep their place until they end, and are answered so", async () => {
    const session = new SessionHarness();
    session.calls(1, 2);
    session.send({ cancels: [1, 99] });
    await settled();
    expect(session.answers).toEqual([]);
    await session.end(1, Uint8Array.of(1));
    await session.end(2, Uint8Array.of(2));
    expect(session.answers).toMatchObject([
      { id: 1, code: 1 },
      { id: 2, code: 0, response: Uint8Array.of(2) },
    ]);
  });
});

describe("what is not understood is named, and other calls go on", () => {
  test("a text, a message of no form, one that is too large", () => {
    const session = new SessionHarness();
    session.calls(1);
    session.session.receive("{}");
    session.raw(GARBAGE);
    session.raw(new Uint8Array(LIMITS.sessionMessageBytesMax + 1));
    session.calls(2);
    expect(session.problems).toEqual([
      "2.0 the message is text: calls come in binary messages",
      expect.stringMatching(/^3\.0 the message is not a FromClient: /),
      expect.stringMatching(/^4\.0 the message has 4194305 bytes, at most 4194304 are taken$/),
    ]);
    expect(session.served.map(({ id }) => id)).toEqual([1, 2]);
    expect(session.closed).toBeNull();
  });

  test("a call amid others: by its id if that can be read, else by its place", async () => {
    const session = new SessionHarness();
    const broken = Uint8Array.of(8, 2, ...GARBAGE);
    session.raw(
      messageOf(callBytes({ id: 1, path: "/p" }), broken, GARBAGE, callBytes({ id: 3, path: "/p" })),
    );
    await settled();
    expect(session.served.map(({ id }) => id)).toEqual([1, 3]);
    expect(session.answer(2)).toMatchObject({ code: 3, notBegun: true });
    expect(session.answer(2)?.message).toMatch(/^the call cannot be read: /);
    expect(session.problems).toEqual([expect.stringMatching(/^1\.3 the call cannot be read: /)]);
  });

  test("an id that was there before", () => {
    const session = new SessionHarness();
    session.calls(5, 5, 4, 6);
    expect(session.served.map(({ id }) => id)).toEqual([5, 6]);
    expect(session.problems).toEqual([
      "1.2 the id 5 is not above 5, that of the call before",
      "1.3 the id 4 is not above 5, that of the call before",
    ]);
  });

  test("who is never understood is sent away", () => {
    const session = new SessionHarness();
    for (let n = 0; n < LIMITS.sessionProblemsMax; n += 1) session.session.receive("?");
    expect(session.closed?.code).toBe(1_008);
  });
});

describe("a client that takes no answers", () => {
  const LARGE = new Uint8Array(LIMITS.sessionUntakenBytesMax / 4);

  test("gets no more of them, and nothing new begins; all goes on when it takes them", async () => {
    const session = new SessionHarness();
    session.calls(1, 2, 3, 4, 5);
    for (let id = 1; id <= 5; id += 1) await session.end(id, LARGE);
    expect(session.answers.map(({ id }) => id)).toEqual([1, 2, 3, 4]);
    session.calls(6, 7);
    session.send({ cancels: [6] });
    await settled();
    expect(session.served.length).toBe(5);
    session.send({ takenBytes: BigInt(session.sentBytes) });
    await settled();
    expect(session.answers.map(({ id }) => id)).toEqual([1, 2, 3, 4, 5, 6]);
    expect(session.answer(6)?.code).toBe(1);
    expect(session.served.map(({ id }) => id)).toEqual([1, 2, 3, 4, 5, 7]);
  });

  test("is sent away in the end", async () => {
    const session = new SessionHarness();
    session.calls(1, 2, 3, 4, 5);
    for (let id = 1; id <= 5; id += 1) await session.end(id, LARGE);
    await session.clock.pass(LIMITS.sessionStalledMs - 1);
    expect(session.closed).toBeNull();
    await session.clock.pass(LIMITS.sessionIdleMs);
    expect(session.closed).toEqual({ code: 1_008, reason: "the client takes no answers" });
  });
});

describe("a session ends", () => {
  test("after enough calls to replicas: those in flight are answered, later ones not begun", async () => {
    const session = new SessionHarness();
    session.calls(1, 2, 3);
    session.replicaCalls = LIMITS.sessionReplicaCallsMax;
    await session.end(2);
    expect(session.goodbye).toMatchObject({ lastId: 3 });
    session.calls(4);
    await session.end(1);
    expect(session.answer(4)).toMatchObject({ code: 14, notBegun: true });
    expect(session.served.map(({ id }) => id)).toEqual([1, 2, 3]);
    expect(session.closed).toBeNull();
    await session.end(3);
    expect(session.answer(3)?.code).toBe(0);
    expect(session.closed?.code).toBe(1_000);
  });

  test("when nothing was asked for some time, and not before", async () => {
    const session = new SessionHarness();
    session.calls(1);
    await session.clock.pass(2 * LIMITS.sessionIdleMs);
    expect(session.goodbye).toBeUndefined();
    await session.end(1);
    session.calls(2);
    await session.end(2);
    await session.clock.pass(LIMITS.sessionIdleMs / 2);
    expect(session.goodbye).toBeUndefined();
    await session.clock.pass(LIMITS.sessionIdleMs);
    expect(session.goodbye).toMatchObject({ lastId: 2 });
    expect(session.closed?.code).toBe(1_000);
  });

  test("after its time, however busy; a call that never ends does not hold it for ever", async () => {
    const session = new SessionHarness();
    session.calls(1);
    await session.clock.pass(LIMITS.sessionAgeMsMax);
    expect(session.goodbye).toMatchObject({ lastId: 1 });
    expect(session.closed).toBeNull();
    await session.clock.pass(LIMITS.sessionDrainMs + LIMITS.sessionIdleMs);
    expect(session.closed?.code).toBe(1_000);
  });

  test("with its WebSocket: nothing is sent any more", async () => {
    const session = new SessionHarness();
    session.calls(1);
    session.session.closed();
    await session.end(1);
    expect(session.answers).toEqual([]);
    expect(session.closed).toBeNull();
  });
});
