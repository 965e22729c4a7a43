import { expect, it } from "vitest";
import { LIMITS } from "../../src/base/limits.ts";
import { trimTarget } from "../../src/engine/log-trimmer.ts";

const input = { applied: 100, snapshotIndex: 0, logBytes: 0, pinnedIndex: null };

it("leaves a short log alone", () => {
  expect(trimTarget(input, 101)).toBe(null);
});

it("keeps half of what the setting allows for followers that are a little behind", () => {
  expect(trimTarget(input, 100)).toBe(50);
});

it("keeps what an open snapshot session still needs", () => {
  expect(trimTarget({ ...input, pinnedIndex: 20 }, 100)).toBe(20);
  expect(trimTarget({ ...input, pinnedIndex: 20, snapshotIndex: 20, applied: 120 }, 100)).toBe(null);
});

it("cuts a log of few but large entries", () => {
  expect(trimTarget({ ...input, applied: 10, logBytes: LIMITS.logBytesMax + 1 }, 100)).toBe(5);
});
