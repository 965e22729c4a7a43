/** Nodes: making, stopping and looking at them. */
import type { Entry } from "../../../src/raft/types.ts";
import { TestCluster } from "../harness/cluster.ts";
import { describeEntry } from "../harness/describe.ts";
import { DiskState } from "../harness/disk.ts";
import { payload } from "../harness/payload.ts";
import type { TestReplica } from "../harness/replica.ts";
import { configurationText } from "../invariants/digest.ts";
import { ScriptError, toNumber } from "./args.ts";
import type { Story } from "./story.ts";
import type { Verb } from "./verb.ts";

/**
 * `cluster 3` voters 1, 2, 3 with empty logs; `cluster voters=1,2 learners=3`. With `stopped`, nodes
 * are started by `start` one at a time. Options: window=MESSAGES, window-bytes=, append-bytes=,
 * uncommitted-bytes=, cache-bytes=, quiesce=MS, seed=. Election time is 1000 ms, heartbeats come every 100 ms.
 */
const cluster: Verb = (story, args) => {
  const count = args.optionalWord();
  const stopped = args.optionalWord() === "stopped" || count === "stopped";
  const voters = args.namedList("voters") ?? counted(count ?? "");
  const options = {
    inflightMessagesMax: args.namedNumber("window"),
    inflightBytesMax: args.namedNumber("window-bytes"),
    appendBytesMax: args.namedNumber("append-bytes"),
    uncommittedBytesMax: args.namedNumber("uncommitted-bytes"),
    logCacheBytesMax: args.namedNumber("cache-bytes"),
    quiesceMs: args.namedNumber("quiesce"),
  };
  const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== null));
  const setup = {
    voters,
    learners: args.namedList("learners") ?? [],
    options: given,
    seed: args.namedNumber("seed") ?? 1,
  };
  const made = new TestCluster(setup);
  story.begin(made);
  if (!stopped) for (const id of [...setup.voters, ...setup.learners]) made.start(id);
};

function counted(count: string): string[] {
  return Array.from({ length: toNumber(count, "the number of voters") }, (_, i) => String(i + 1));
}

/**
 * `start 4` a new node that knows only the cluster's first configuration; `start 1 log=1,1,4 term=6
 * vote=2 commit=1` one with entries of these terms on its disk; `members=3:1,2&1,2,3` makes the third a
 * joint configuration. Entries of equal term and index are equal.
 */
const start: Verb = (story, args) => {
  const id = args.word("the node");
  const state = new DiskState(story.cluster.initial);
  state.entries = (args.namedList("log") ?? []).map((term, i) => preparedEntry(i + 1, toNumber(term, "log")));
  const members = args.named("members");
  if (members !== null) placeConfiguration(state, members);
  state.term = args.namedNumber("term") ?? state.entries.at(-1)?.term ?? 0;
  state.vote = args.named("vote");
  state.commit = args.namedNumber("commit") ?? 0;
  story.cluster.start(id, state);
};

function preparedEntry(index: number, term: number): Entry {
  return { kind: "command", index, term, data: payload(`${term}.${index}`) };
}

function placeConfiguration(state: DiskState, text: string): void {
  const [index = "", halves = ""] = text.split(":");
  const [voters = "", outgoing] = halves.split("&");
  const { term } = state.entry(Number(index));
  const votersOutgoing = outgoing === undefined ? [] : outgoing.split(",");
  const configuration = { voters: voters.split(","), votersOutgoing, learners: [], learnersNext: [] };
  state.entries[Number(index) - 1] = { kind: "configuration", index: Number(index), term, configuration };
}

/** `crash 3` loses the node's memory and whatever of its disk was not durable. */
const crash: Verb = (story, args) => {
  const id = args.word("the node");
  story.cluster.crash(id);
  story.forget(id);
};

/** `restart 3` starts it from its disk, at the present time of its own clock. */
const restart: Verb = (story, args) => {
  story.cluster.restart(args.word("the node"));
};

/** `status` one line per node, and below a leader one per follower; `status 2` for one node. */
const status: Verb = (story, args) => {
  const only = args.optionalWord();
  for (const replica of story.cluster.replicas.values()) {
    if (only === null || only === replica.id) printStatus(story, replica);
  }
};

function printStatus(story: Story, replica: TestReplica): void {
  if (replica.raft === null) {
    story.print(`${replica.id}: down`);
    return;
  }
  const { core } = replica.raft;
  const { log, role, term, configurations } = core;
  const members = configurationText(configurations.current);
  const known = core.leader === null || core.leader === replica.id ? "" : ` of ${core.leader}`;
  story.print(
    `${replica.id}: ${role}${known} t${term} last ${log.lastTerm}/${log.last} commit ${log.commit} ` +
      `applied ${core.applied} members ${members}${core.isAsleep ? " asleep" : ""}`,
  );
  for (const [id, { state, match, next, inflights }] of core.progress) {
    const inFlight = inflights.count === 0 ? "" : ` in flight ${inflights.count}`;
    story.print(`   to ${id}: ${state} match ${match} next ${next}${inFlight}`);
  }
}

/** `log 2` its entries in memory; `log 2 durable` those a crash would leave. */
const log: Verb = (story, args) => {
  const { disk, raft } = story.cluster.replica(args.word("the node"));
  const which = args.optionalWord() ?? "live";
  if (which !== "live" && which !== "durable") throw new ScriptError(`no log called ${which}`);
  const state = which === "durable" || raft === null ? disk.durable : disk.written;
  const { snapshot, entries } = state;
  if (snapshot.index > 0) story.print(`compacted up to ${snapshot.term}/${snapshot.index}`);
  for (const entry of entries) story.print(describeEntry(entry));
  if (entries.length === 0 && snapshot.index === 0) story.print("empty");
};

/** `same 1 2 3` says whether the nodes have equal logs, commit indexes and contents. */
const same: Verb = (story, args) => {
  const first = story.cluster.replica(args.word("a node"));
  for (let id = args.optionalWord(); id !== null; id = args.optionalWord()) {
    const { disk } = story.cluster.replica(id);
    const [a, b] = [first.disk.durable, disk.durable];
    const logs = JSON.stringify(tail(a, b)) === JSON.stringify(tail(b, a)) && a.last === b.last;
    const equal = logs && a.commit === b.commit && a.applied === b.applied && a.content === b.content;
    story.print(`${id}: ${equal ? "same" : "differs"}`);
  }
};

/** The part of `state`'s log that neither has compacted. */
function tail(state: DiskState, other: DiskState): readonly Entry[] {
  const from = Math.max(state.snapshot.index, other.snapshot.index);
  return state.entries.filter((entry) => entry.index > from);
}

export const NODE_VERBS: Readonly<Record<string, Verb>> = {
  cluster,
  start,
  crash,
  restart,
  status,
  log,
  same,
};
