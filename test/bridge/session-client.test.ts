/** The client's side of sessions, before servers that do what a test wants. */
import { describe, expect, test } from "vitest";
import type { SessionCall } from "../../scripts/bridge/session-messages.ts";
import { Sessions } from "../../scripts/bridge/sessions.ts";
import { Unreachable } from "../../scripts/bridge/unreachable.ts";
import { until } from "../harness/processes.ts";
import { FakeGateway } from "./fake-gateway.ts";
import { FakeSessions, WELCOME } from "./fake-sessions.ts";

const NEVER = new AbortController().signal;

function call(bytes = 10): SessionCall {
  return { path: "/p", request: new Uint8Array(bytes), metadata: { token: "t" }, timeoutMs: 1_500.5 };
}

function sessionsWith({ url }: { readonly url: string }, countMax = 1): Sessions {
  return new Sessions({ url, headers: {}, countMax });
}

describe("calls", () => {
  test("wait for a place in the window, and for bytes in it", async () => {
    const underWay = new Map<number, number>();
    let mostCalls = 0;
    let mostBytes = 0;
    await using server = await FakeSessions.start((session, { calls }) => {
      for (const { id, request } of calls) underWay.set(id, request.length);
      mostCalls = Math.max(mostCalls, underWay.size);
      mostBytes = Math.max(
        mostBytes,
        [...underWay.values()].reduce((sum, bytes) => sum + bytes, 0),
      );
      setImmediate(() => {
        for (const { id } of calls) {
          underWay.delete(id);
          session.tell({ answers: [{ id }] });
        }
      });
    });
    const sessions = sessionsWith(server);
    await Promise.all(Array.from({ length: 120 }, () => sessions.call(call(), NEVER)));
    expect(mostCalls).toBe(WELCOME.callsMax);
    await Promise.all(Array.from({ length: 60 }, () => sessions.call(call(60_000), NEVER)));
    expect(mostBytes).toBeLessThanOrEqual(WELCOME.requestBytesMax);
    sessions.close();
  });

  test("leave together, in messages that are not too large", async () => {
    const sizes: number[] = [];
    await using server = await FakeSessions.start((session, { calls }) => {
      if (calls.length > 0) sizes.push(calls.length);
      session.tell({ answers: calls.map(({ id }) => ({ id })) });
    });
    const sessions = sessionsWith(server);
    await sessions.call(call(), NEVER);
    await Promise.all(Array.from({ length: 8 }, () => sessions.call(call(), NEVER)));
    await Promise.all(Array.from({ length: 4 }, () => sessions.call(call(30_000), NEVER)));
    expect(sizes).toEqual([1, 8, 2, 2]);
    sessions.close();
  });

  test("that are too large for a session are none for it", async () => {
    await using server = await FakeSessions.start(() => undefined);
    const sessions = sessionsWith(server);
    expect(await sessions.call(call(WELCOME.messageBytesMax), NEVER)).toBeNull();
    sessions.close();
  });

  test("that are cancelled are told to the server, and keep their place until it answers", async () => {
    const seen: number[] = [];
    const cancelled: number[] = [];
    await using server = await FakeSessions.start((_session, { calls, cancels }) => {
      seen.push(...calls.map(({ id }) => id));
      cancelled.push(...cancels);
    });
    const sessions = sessionsWith(server);
    const cancels = Array.from({ length: WELCOME.callsMax }, () => new AbortController());
    const outcomes = cancels.map(({ signal }) => sessions.call(call(), signal).catch((error) => error));
    await until("the window is full", async () => (seen.length === WELCOME.callsMax ? true : null));
    const next = sessions.call(call(), NEVER);
    for (const cancel of cancels) cancel.abort("gone");
    expect(await Promise.all(outcomes)).toEqual(cancels.map(() => "gone"));
    await until("all are cancelled", async () => (cancelled.length === WELCOME.callsMax ? true : null));
    expect(seen.length).toBe(WELCOME.callsMax);
    server.opened[0]?.tell({ answers: [{ id: 1, code: 1 }] });
    await until("the next call has its place", async () => (seen.length > WELCOME.callsMax ? true : null));
    server.opened[0]?.tell({ answers: [{ id: WELCOME.callsMax + 1, message: "ok" }] });
    expect((await next)?.message).toBe("ok");
    sessions.close();
  });

  test("tell what was taken, also when nothing else is asked", async () => {
    let taken = 0;
    await using server = await FakeSessions.start((session, { calls, takenBytes }) => {
      taken = Math.max(taken, Number(takenBytes));
      const response = new Uint8Array(WELCOME.untakenBytesMax / 2);
      session.tell({ answers: calls.map(({ id }) => ({ id, response })) });
    });
    const sessions = sessionsWith(server);
    await sessions.call(call(), NEVER);
    await until("it is told", async () => (taken >= WELCOME.untakenBytesMax / 2 ? true : null));
    sessions.close();
  });
});

describe("sessions", () => {
  test("are renewed without a call lost, whatever was refused by the old ones", async () => {
    const perSession = 20;
    const done = new Map<object, number>();
    await using server = await FakeSessions.start((session, { calls }) => {
      for (const { id } of calls) {
        const before = done.get(session) ?? 0;
        done.set(session, before + 1);
        if (before < perSession) session.tell({ answers: [{ id, message: "ok" }] });
        else session.tell({ answers: [{ id, code: 14, notBegun: true }] });
        if (before + 1 === perSession) session.tell({ goodbye: { lastId: id, reason: "enough" } });
      }
    });
    const sessions = sessionsWith(server);
    const answers = await Promise.all(Array.from({ length: 100 }, () => sessions.call(call(), NEVER)));
    expect(new Set(answers.map((answer) => answer?.message))).toEqual(new Set(["ok"]));
    expect(server.opened.length).toBeGreaterThanOrEqual(5);
    sessions.close();
  });

  test("that are lost leave calls in flight without an outcome; those that had not left go elsewhere", async () => {
    let seen = 0;
    await using server = await FakeSessions.start((session, { calls }) => {
      seen += calls.length;
      if (server.opened.length > 1) session.tell({ answers: calls.map(({ id }) => ({ id, message: "ok" })) });
      else if (seen === WELCOME.callsMax) session.socket.terminate();
    });
    const sessions = sessionsWith(server);
    const calls = Array.from({ length: WELCOME.callsMax + 3 }, () =>
      sessions.call(call(), NEVER).catch((error: unknown) => error),
    );
    const outcomes = await Promise.all(calls);
    expect(outcomes.filter((outcome) => outcome instanceof Unreachable).length).toBe(WELCOME.callsMax);
    expect(outcomes.slice(WELCOME.callsMax)).toMatchObject([
      { message: "ok" },
      { message: "ok" },
      { message: "ok" },
    ]);
    sessions.close();
  });

  test("are several when one is busy", async () => {
    const held: (() => void)[] = [];
    await using server = await FakeSessions.start((session, { calls }) => {
      for (const { id } of calls) held.push(() => session.tell({ answers: [{ id }] }));
    });
    const sessions = sessionsWith(server, 2);
    const calls = Array.from({ length: 4 }, () => sessions.call(call(), NEVER));
    await until("one has half of its calls", async () => (held.length === 4 ? true : null));
    calls.push(sessions.call(call(), NEVER));
    await until("another one is open", async () => (server.opened.length === 2 ? true : null));
    calls.push(sessions.call(call(), NEVER));
    await until("all are under way", async () => (held.length === 6 ? true : null));
    for (const answer of held) answer();
    await Promise.all(calls);
    sessions.close();
  });

  test("are not asked for again where there are none, and soon again where none could be opened", async () => {
    await using old = await FakeGateway.start(() => undefined);
    const sessions = sessionsWith(old);
    expect(await sessions.call(call(), NEVER)).toBeNull();
    expect(sessions.areOffered).toBe(false);
    expect(await sessions.call(call(), NEVER)).toBeNull();
    const gone = sessionsWith({ url: "http://127.0.0.1:9" });
    expect(await gone.call(call(), NEVER)).toBeNull();
    expect(gone.areOffered).toBe(false);
    await until("it is tried again", async () => (gone.areOffered ? true : null));
  });
});
