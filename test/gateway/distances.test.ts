/** Which members an isolate takes for near, by how long they took. */
import { expect, it } from "vitest";
import { Distances } from "../../src/gateway/distances.ts";

const MEMBERS = ["r1", "r2", "r3"] as const;

function known(...tookMs: readonly number[]): Distances {
  const distances = new Distances();
  for (const [i, member] of MEMBERS.entries()) {
    distances.asked(member);
    distances.answered(member, tookMs[i] ?? 0);
  }
  return distances;
}

it("whoever was never asked is asked first, once", () => {
  const distances = new Distances();
  expect(distances.nearest(MEMBERS)).toEqual(MEMBERS);
  distances.asked("r1");
  distances.answered("r1", 10);
  expect(distances.nearest(MEMBERS)).toEqual(["r2", "r3"]);
  // Not by everybody who comes before the answers do.
  distances.asked("r2");
  distances.asked("r3");
  expect(distances.nearest(MEMBERS)).toEqual(["r1"]);
});

it("nobody is near before anybody has answered", () => {
  const distances = new Distances();
  for (const member of MEMBERS) distances.asked(member);
  expect(distances.nearest(MEMBERS)).toEqual(MEMBERS);
});

it("members of one place are equally near, those of other regions are not", () => {
  expect(known(2, 5, 4).nearest(MEMBERS)).toEqual(MEMBERS);
  expect(known(90, 12, 18).nearest(MEMBERS)).toEqual(["r2", "r3"]);
  expect(known(90, 12, 150).nearest(["r1", "r3"])).toEqual(["r1"]);
});

it("one slow answer does not move a member, many do", () => {
  const distances = known(10, 60, 200);
  distances.answered("r1", 500);
  expect(distances.nearest(MEMBERS)).toEqual(["r1"]);
  for (let i = 0; i < 30; i += 1) distances.answered("r1", 500);
  expect(distances.nearest(MEMBERS)).toEqual(["r2"]);
});

it("a member that gave no answer is far until it gives one", () => {
  const distances = known(10, 60, 60);
  distances.failed("r1");
  expect(distances.nearest(MEMBERS)).toEqual(["r2", "r3"]);
  distances.answered("r1", 12);
  expect(distances.nearest(MEMBERS)).toEqual(["r1"]);
});
