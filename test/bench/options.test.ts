import { expect, it } from "vitest";
import { isWanted, readOptions } from "../../scripts/bench/options.ts";
import { allTargets } from "../../scripts/bench/targets.ts";

it("without options: 1, 32 and 128 connections, 256 bytes, everything", () => {
  const options = readOptions([]);
  expect(options.plans.map(({ connections }) => connections)).toEqual([1, 32, 128]);
  expect(options.valueBytes).toBe(256);
  expect(allTargets(256).every(({ id }) => isWanted(options, id))).toBe(true);
});

it("--quick is short enough: under a minute of load for all targets", () => {
  const { plans } = readOptions(["--quick"]);
  const perTargetMs = plans.reduce((sum, { rounds, durationMs }) => sum + rounds * durationMs, 0);
  expect(perTargetMs * allTargets(256).length).toBeLessThan(60_000);
});

it("--only picks by parts of ids", () => {
  const options = readOptions(["--only", "etcd-json,noop"]);
  const wanted = allTargets(1).filter(({ id }) => isWanted(options, id));
  expect(wanted.map(({ id }) => id)).toEqual([
    "noop",
    "etcd-json-put",
    "etcd-json-get",
    "etcd-json-serializable",
    "etcd-json-txn",
  ]);
});

it("says what is wrong with a number", () => {
  expect(() => readOptions(["--connections", "1,x"])).toThrow(/--connections is "x"/);
  expect(() => readOptions(["--rounds", "1.5"])).toThrow(/whole number/);
  expect(() => readOptions(["--seconds", "0"])).toThrow(/above 0/);
  expect(() => readOptions(["--nonsense"])).toThrow(/nonsense/);
});

it("no two targets share an id", () => {
  const ids = allTargets(1).map(({ id }) => id);
  expect(new Set(ids).size).toBe(ids.length);
});
