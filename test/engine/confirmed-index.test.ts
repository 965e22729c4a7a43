import { expect, test } from "vitest";
import { ConfirmedIndex } from "../../src/engine/confirmed-index.ts";

test("who was never told anything covers nothing", () => {
  expect(new ConfirmedIndex().covers(1_000, 3_600_000, 9)).toBe(false);
});

test("counts from the question, not from its answer", () => {
  const confirmed = new ConfirmedIndex();
  confirmed.confirm(confirmed.ask(1_000), 5, 5);
  expect(confirmed.covers(1_100, 100, 5)).toBe(true);
  expect(confirmed.covers(1_101, 100, 5)).toBe(false);
});

test("counts once it is applied, and until then what was confirmed before", () => {
  const confirmed = new ConfirmedIndex();
  confirmed.confirm(confirmed.ask(1_000), 5, 5);
  confirmed.confirm(confirmed.ask(1_050), 8, 5);
  expect(confirmed.covers(1_100, 100, 7)).toBe(true);
  expect(confirmed.covers(1_100, 60, 7)).toBe(false);
  expect(confirmed.covers(1_100, 60, 8)).toBe(true);
});

test("what is applied late counts though it was confirmed anew meanwhile, time and again", () => {
  const confirmed = new ConfirmedIndex();
  confirmed.confirm(confirmed.ask(1_000), 8, 5);
  confirmed.confirm(confirmed.ask(1_050), 12, 7);
  confirmed.confirm(confirmed.ask(1_060), 14, 7);
  expect(confirmed.covers(1_100, 100, 7)).toBe(false);
  expect(confirmed.covers(1_100, 100, 8)).toBe(true);
  expect(confirmed.covers(1_100, 40, 13)).toBe(false);
  expect(confirmed.covers(1_100, 40, 14)).toBe(true);
});

test("an older answer that comes later takes nothing away", () => {
  const confirmed = new ConfirmedIndex();
  const early = confirmed.ask(1_000);
  const late = confirmed.ask(1_500);
  confirmed.confirm(late, 6, 5);
  confirmed.confirm(early, 5, 5);
  expect(confirmed.covers(1_550, 100, 5)).toBe(false);
  expect(confirmed.covers(1_550, 100, 6)).toBe(true);
  confirmed.confirm(early, 5, 6);
  expect(confirmed.covers(1_550, 100, 6)).toBe(true);
});

test("a clock that was set back voids what is known, and answers to questions from before", () => {
  const confirmed = new ConfirmedIndex();
  confirmed.confirm(confirmed.ask(1_000), 5, 5);
  const before = confirmed.ask(1_010);
  confirmed.forget();
  expect(confirmed.covers(1_010, 3_600_000, 5)).toBe(false);
  confirmed.confirm(before, 5, 5);
  expect(confirmed.covers(1_010, 3_600_000, 5)).toBe(false);
  confirmed.confirm(confirmed.ask(1_010), 5, 5);
  expect(confirmed.covers(1_010, 1, 5)).toBe(true);
});
