/** Calls that share one. */
import { describe, expect, test } from "vitest";
import { LIMITS } from "../../../src/base/limits.ts";
import { Gatherer } from "../../../src/gateway/session/gatherer.ts";
import { ManualClock, settled } from "./harness.ts";

interface Probe {
  readonly name: string;
  readonly timeoutMs: number;
  readonly bytes?: number;
}

function probe(name: string, timeoutMs = 1_000, bytes = 1): Probe {
  return { name, timeoutMs, bytes };
}

function gatherer() {
  const sent: { names: string; timeoutMs: number; end: () => void; fail: (error: Error) => void }[] = [];
  const clock = new ManualClock();
  const calls = new Gatherer<Probe, string>({
    clock,
    bytesOf: ({ bytes = 1 }) => bytes,
    send: (batch, timeoutMs) =>
      new Promise((resolve, reject) => {
        const names = batch.map(({ name }) => name);
        sent.push({
          names: names.join(""),
          timeoutMs,
          end: () => resolve(names.map((name) => `${name}!`)),
          fail: reject,
        });
      }),
  });
  const told: string[] = [];
  const add = (call: Probe): void => {
    calls.add(call).then(
      (reply) => told.push(reply),
      (error: Error) => told.push(`${call.name}: ${error.message}`),
    );
  };
  const names = (): string[] => sent.map((batch) => batch.names);
  return { add, sent, names, told, clock };
}

describe("calls", () => {
  test("of one event are one call, each with its own answer", async () => {
    const { add, sent, names, told } = gatherer();
    for (const name of "abc") add(probe(name));
    await settled();
    expect(names()).toEqual(["abc"]);
    sent[0]?.end();
    await settled();
    expect(told).toEqual(["a!", "b!", "c!"]);
  });

  test("that come while one is on its way wait for it, but not long", async () => {
    const { add, sent, names, clock } = gatherer();
    add(probe("a"));
    await settled();
    add(probe("b"));
    await settled();
    add(probe("c"));
    await settled();
    expect(names()).toEqual(["a"]);
    sent[0]?.end();
    await settled();
    expect(names()).toEqual(["a", "bc"]);
    add(probe("d"));
    await clock.pass(10);
    expect(names()).toEqual(["a", "bc", "d"]);
  });

  test("that are many go at once, up to a number and to some bytes", async () => {
    const { add, names } = gatherer();
    add(probe("a"));
    await settled();
    for (let n = 0; n < LIMITS.manyCallsMax + 100; n += 1) add(probe("x"));
    await settled();
    expect(names().map(({ length }) => length)).toEqual([1, LIMITS.manyCallsMax, 100]);
    const other = gatherer();
    for (const name of "abc") other.add(probe(name, 1_000, LIMITS.manyRequestBytesMax / 2));
    other.add(probe("d", 1_000, 2 * LIMITS.manyRequestBytesMax));
    await other.clock.pass(10);
    expect(other.names()).toEqual(["ab", "c", "d"]);
  });

  test("with little time share none with those that have much", async () => {
    const { add, sent, names, clock } = gatherer();
    add(probe("a", 3_000));
    add(probe("b", 500));
    add(probe("c", 520));
    await clock.pass(10);
    expect(names()).toEqual(["a", "bc"]);
    expect(sent[1]?.timeoutMs).toBeLessThanOrEqual(520);
  });

  test("fail together, and leave the later ones alone", async () => {
    const { add, sent, told } = gatherer();
    add(probe("a"));
    add(probe("b"));
    await settled();
    sent[0]?.fail(new Error("reset"));
    add(probe("c"));
    await settled();
    sent[1]?.end();
    await settled();
    expect(told).toEqual(["a: reset", "b: reset", "c!"]);
  });
});
