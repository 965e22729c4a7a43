/** A sleep that not everybody agreed to is noticed, and so is one without a quorum; members that are away may miss it. */
import { expect, test } from "vitest";
import { simpleConfiguration } from "../../src/raft/configuration.ts";
import type { NodeId } from "../../src/raft/types.ts";
import { TEST_OPTIONS } from "./harness/cluster.ts";
import { History } from "./invariants/observation.ts";
import { SleepConsent } from "./invariants/sleep-consent.ts";
import type { FollowerView, LiveView, NodeView } from "./invariants/view.ts";

const MEMBERS = ["1", "2", "3", "4", "5"];
const LAST = 7;
const TERM = 2;

/** Leader 1 falls asleep after `agreed` said so to the log that ends at `match`; `away` were silent for long. */
function sleepWith(agreed: readonly NodeId[], away: readonly NodeId[], match = LAST): void {
  const followers = MEMBERS.slice(1).map((id): FollowerView => {
    return { id, match: LAST, next: LAST + 1, inflightMessages: 0, inflightBytes: 0 };
  });
  const live = (isAsleep: boolean): LiveView => ({
    role: "leader",
    term: TERM,
    vote: "1",
    log: {
      snapshot: { index: LAST, term: TERM },
      last: LAST,
      entry: () => {
        throw new Error("nobody reads entries");
      },
    },
    commit: LAST,
    applied: LAST,
    configuration: simpleConfiguration(MEMBERS),
    configurationAt: () => ({ index: 0, configuration: simpleConfiguration(MEMBERS) }),
    followers,
    silentMs: (id) => (away.includes(id) ? 2 * TEST_OPTIONS.electionMs + 1 : 100),
    uncommittedBytes: 0,
    bounds: TEST_OPTIONS,
    isAsleep,
    isResumed: false,
    isTimed: !isAsleep,
  });
  const invariant = new SleepConsent();
  const step = (isAsleep: boolean): void => {
    const log = live(isAsleep).log;
    const durable = { term: TERM, vote: "1", log, commit: LAST, applied: LAST, content: 0 };
    const node: NodeView = { id: "1", incarnation: 1, durable, live: live(isAsleep) };
    const message = { kind: "quiesce-response", term: TERM, round: 0, match } as const;
    const departures = isAsleep ? [] : agreed.map((from) => ({ from, to: "1", message }));
    const { snapshot } = log;
    const unchanged = { removed: [], added: [], snapshot, snapshotBefore: snapshot };
    invariant.check({
      step: { node: () => node, touched: ["1"], departures, reads: [], writes: [] },
      nodes: [
        {
          node,
          before: null,
          liveBefore: null,
          ledUnheard: null,
          durableChange: unchanged,
          liveChange: unchanged,
        },
      ],
      history: new History(),
    });
  };
  step(false);
  step(true);
}

test("all agreed, or some were away", () => {
  sleepWith(["2", "3", "4", "5"], []);
  sleepWith(["2", "3"], ["4", "5"]);
});

test("one was not asked", () => {
  expect(() => sleepWith(["2", "3", "4"], [])).toThrow("5, heard 100 ms ago, knows nothing");
});

test("no quorum agreed", () => {
  expect(() => sleepWith(["2"], ["3", "4", "5"])).toThrow("only 2 agreed");
});

test("they agreed to another log", () => {
  expect(() => sleepWith(["2", "3", "4", "5"], [], LAST - 1)).toThrow("knows nothing");
});
