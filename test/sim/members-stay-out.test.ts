/** Who left the configuration and comes back is noticed, joint configurations included. */
import { expect, test } from "vitest";
import { simpleConfiguration } from "../../src/raft/configuration.ts";
import type { Configuration, Entry } from "../../src/raft/types.ts";
import { MembersStayOut } from "./invariants/members-stay-out.ts";

function entries(configurations: readonly Configuration[]): Entry[] {
  return configurations.map((configuration, i) => ({
    index: i + 1,
    term: 1,
    kind: "configuration",
    configuration,
  }));
}

function judge(configurations: readonly Configuration[]): void {
  const invariant = new MembersStayOut();
  for (const entry of entries(configurations)) invariant.committed(entry);
}

const BOTH = simpleConfiguration(["a", "b"]);
const ONE = simpleConfiguration(["a"]);

test("members come, leave, and are not seen again", () => {
  const joint = { ...ONE, votersOutgoing: ["a", "b"] };
  judge([ONE, BOTH, joint, ONE, simpleConfiguration(["a"], ["c"]), simpleConfiguration(["a", "c"])]);
});

test("one that comes back is named", () => {
  expect(() => judge([BOTH, ONE, BOTH])).toThrow("entry 3 brings b back");
  expect(() => judge([BOTH, ONE, simpleConfiguration(["a"], ["b"])])).toThrow("brings b back");
});
