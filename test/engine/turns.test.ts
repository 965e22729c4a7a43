/** What a turn sends, writes and leaves undone: three engines, and calls that are made one round at a time. */
import { expect, test } from "vitest";
import type { Engine } from "../../src/engine/engine.ts";
import { encodePlainRequest } from "../../src/wire/plain-range.ts";
import { encodePutCommand } from "../../src/wire/put-command.ts";
import { utf8 } from "../../src/wire/text.ts";
import { ThreeEngines } from "./three-engines.ts";

const KEY = utf8("k");
const TIMEOUT_MS = 5_000;

function read(group: ThreeEngines, engine: Engine, told: string[]): void {
  const call = {
    request: encodePlainRequest(KEY),
    consistency: "linearizable",
    minRevision: 0,
    timeoutMs: TIMEOUT_MS,
  } as const;
  engine.range(group.now, call, ({ kind }) => told.push(kind));
}

function put(group: ThreeEngines, engine: Engine, number: number, told: string[]): void {
  const command = encodePutCommand(new Uint8Array(16).fill(number), 1, KEY, KEY);
  engine.propose(group.now, { command, mayForward: true, timeoutMs: TIMEOUT_MS }, ({ kind }) =>
    told.push(kind),
  );
}

test("the answer to one question sends the next: whoever waited for it waits for no timer", () => {
  const group = new ThreeEngines();
  const [id, leader] = group.lead();
  group.down = [...group.engines.keys()].find((other) => other !== id) ?? null;
  const told: string[] = [];
  read(group, leader, told);
  read(group, leader, told);
  group.settle();
  expect(told).toEqual(["range", "range"]);
});

test("reads cost their leader no transaction", () => {
  const group = new ThreeEngines();
  const [id, leader] = group.lead();
  const deeds = group.deeds.get(id) ?? [];
  deeds.length = 0;
  const told: string[] = [];
  read(group, leader, told);
  group.settle();
  expect(told).toEqual(["range"]);
  expect(deeds).toEqual(["call", "call"]);
});

test("a put costs its leader one transaction, with the first answer", () => {
  const group = new ThreeEngines();
  const [id, leader] = group.lead();
  const deeds = group.deeds.get(id) ?? [];
  deeds.length = 0;
  const told: string[] = [];
  put(group, leader, 1, told);
  expect(deeds).toEqual(["call", "call"]);
  group.round();
  expect(deeds).toEqual(["call", "call", "turn"]);
  expect(told).toEqual(["applied"]);
});

test("what waits for a batch leaves ahead of the leader's own copy of that batch", () => {
  const group = new ThreeEngines();
  const [id, leader] = group.lead();
  const told: string[] = [];
  put(group, leader, 1, told);
  put(group, leader, 2, told);
  const deeds = group.deeds.get(id) ?? [];
  deeds.length = 0;
  group.round();
  expect(deeds).toEqual(["call", "call", "turn"]);
  group.settle();
  expect(told).toEqual(["applied", "applied"]);
});
