/** Requests whose first attempt succeeds, which are nearly all. */
import { beforeEach, expect, test } from "vitest";
import { header } from "./fakes.ts";
import { applied, EMPTY, RouterBench } from "./router-bench.ts";

const CHOICE = { cluster: "default", pin: null } as const;

let bench: RouterBench;

beforeEach(() => {
  bench = new RouterBench();
});

test("a request whose member is known has left when the call returns: nothing is awaited before", async () => {
  await bench.read();
  bench.log.length = 0;
  const outcomes = [
    bench.write(),
    bench.read(),
    bench.read("r2", "serializable"),
    bench.read(null, "bounded"),
  ];
  expect(bench.log).toEqual(["r1 01@7", "r1 range", "r2 range", "r1 range"]);
  await Promise.all(outcomes);
});

test("what is no key is told of a cluster that never had a leader", async () => {
  bench.propose = (member) => applied(member, { revision: 9 });
  await bench.write();
  bench.queried = (member) => header(member, { term: 0, revision: 1 });
  bench.log.length = 0;
  const call = { request: EMPTY, consistency: "serializable", minRevision: 0 } as const;
  await bench.router.query(CHOICE, call);
  expect(bench.log).toEqual(["r1 query"]);
});

test("a cluster made anew has its first members again", async () => {
  const place = (name: string) => ({
    id: name.padEnd(16, "0"),
    name,
    isFounder: false,
    hint: "oc",
    binding: "REPLICA",
    serves: true,
  });
  const answer = (more: Parameters<typeof header>[1]): void => {
    bench.range = (member) => ({ kind: "range", header: header(member, more), response: EMPTY });
  };
  answer({ membership: 1, successors: [place("n4"), place("n5")] });
  await bench.read();
  answer({ clusterId: "00000000000000ff" });
  await bench.read();
  await bench.read();
  expect(bench.log).toEqual(["r1 range", "n4 range", "r1 range"]);
});
