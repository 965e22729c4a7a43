/** Clocks and elections. */
import { deliverAll, runFor } from "../harness/time.ts";
import { ScriptError } from "./args.ts";
import type { Verb } from "./verb.ts";

/** `tick 2 1500` moves node 2's own clock on by 1500 ms and fires what is due; `tick 2` fires what is due now. */
const tick: Verb = (story, args) => {
  const replica = story.cluster.replica(args.word("the node"));
  replica.clock += args.optionalNumber(0);
  replica.tick();
};

/** `campaign 1` moves node 1's clock to its election deadline and fires it. */
const campaign: Verb = (story, args) => {
  const replica = story.cluster.replica(args.word("the node"));
  const { electionAt } = replica.running.core;
  if (electionAt === null) throw new ScriptError(`node ${replica.id} has no election deadline`);
  replica.clock = Math.max(replica.clock, electionAt);
  replica.tick();
};

/** `elect 1` campaigns and delivers everything; prints changes of role only. */
const elect: Verb = (story, args) => {
  story.verbose = false;
  campaign(story, args);
  deliverAll(story.cluster);
  story.verbose = true;
};

/** `heartbeat 1` moves node 1's clock to its heartbeat deadline and fires it. */
const heartbeat: Verb = (story, args) => {
  const replica = story.cluster.replica(args.word("the node"));
  const { heartbeatAt } = replica.running.core;
  if (heartbeatAt === null) throw new ScriptError(`node ${replica.id} has no heartbeat deadline`);
  replica.clock = Math.max(replica.clock, heartbeatAt);
  replica.tick();
};

/** `run 5000` lets all nodes live for 5000 ms, messages arriving at once; prints changes of role with their time. */
const run: Verb = (story, args) => {
  const ms = args.number("the time in ms");
  story.verbose = false;
  const before = story.take();
  for (const line of before) story.print(line);
  const count = runFor(story.cluster, ms, (elapsed) => {
    const lines = story.take();
    for (const line of lines) story.print(line.startsWith("  ") ? `${elapsed} ms${line.slice(1)}` : line);
  });
  story.verbose = true;
  story.print(`${count} messages`);
};

/** `deadline 2` says what node 2 waits for. */
const deadline: Verb = (story, args) => {
  const replica = story.cluster.replica(args.word("the node"));
  const at = replica.deadline();
  story.print(at === null ? "none" : `in ${at - replica.clock} ms`);
};

export const TIME_VERBS: Readonly<Record<string, Verb>> = { tick, campaign, elect, heartbeat, run, deadline };
