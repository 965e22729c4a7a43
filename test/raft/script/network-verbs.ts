/** Messages: delivering, losing, repeating and delaying them. */
import { describeFrame } from "../harness/describe.ts";
import { deliverAll } from "../harness/time.ts";
import { type Args, ScriptError, toLink } from "./args.ts";
import type { Story } from "./story.ts";
import type { Verb } from "./verb.ts";

/** More deliveries than any story needs. */
const DELIVERIES_MAX = 1_000;

/** The links named by the next words: `1->2`, `to 2`, `from 2`; all of them without words. */
function chosenLinks(story: Story, args: Args): (from: string, to: string) => boolean {
  const word = args.optionalWord();
  if (word === null) return () => true;
  if (word === "to" || word === "from") {
    const id = args.word("the node");
    story.cluster.replica(id);
    return (from, to) => (word === "to" ? to : from) === id;
  }
  const [wantedFrom, wantedTo] = toLink(word);
  return (from, to) => from === wantedFrom && to === wantedTo;
}

/**
 * `deliver` everything under way and everything sent in answer, oldest first, round by round;
 * `deliver 1->2`, `deliver to 2`, `deliver from 2` on these links only; `count=1`: as many at most.
 * Each delivery is printed with what the receiver made of it.
 */
const deliver: Verb = (story, args) => {
  const chosen = chosenLinks(story, args);
  const max = args.namedNumber("count");
  let left = max ?? DELIVERIES_MAX;
  for (;;) {
    const links = story.cluster.network.busyLinks().filter(({ from, to }) => chosen(from, to));
    if (links.length === 0) return;
    for (const { from, to, count } of links) {
      for (let i = 0; i < count; i += 1) {
        if (left === 0) {
          if (max === null) throw new ScriptError("messages never end");
          return;
        }
        left -= 1;
        deliverOne(story, from, to);
      }
    }
  }
};

function deliverOne(story: Story, from: string, to: string): void {
  const frame = story.cluster.network.frames(from, to)[0];
  if (frame !== undefined) {
    const lost = story.cluster.replica(to).raft === null ? " (down)" : "";
    story.print(describeFrame(frame) + lost);
  }
  story.cluster.deliver(from, to);
}

/** `settle` delivers as `deliver` does, but prints changes of role and the number of messages only. */
const settle: Verb = (story) => {
  story.verbose = false;
  const count = deliverAll(story.cluster);
  story.verbose = true;
  story.print(`${count} messages`);
};

/** `drop 1->2` loses what is under way there; `drop 1->2 count=1` the oldest; `drop to 2`, `drop from 2`, `drop`. */
const drop: Verb = (story, args) => {
  const { network } = story.cluster;
  const chosen = chosenLinks(story, args);
  const max = args.namedNumber("count") ?? DELIVERIES_MAX;
  for (const { from, to, count } of network.busyLinks()) {
    if (!chosen(from, to)) continue;
    for (let i = 0; i < Math.min(count, max); i += 1) {
      const frame = network.drop(from, to);
      if (frame !== null) story.print(`lost ${describeFrame(frame)}`);
    }
  }
};

/** `duplicate 1->2` repeats the oldest message of the link at its end. */
const duplicate: Verb = (story, args) => {
  const [from, to] = args.link();
  const frame = story.cluster.network.duplicate(from, to);
  if (frame === null) throw new ScriptError(`nothing is under way from ${from} to ${to}`);
  story.print(`twice ${describeFrame(frame)}`);
};

/** `overtake 1->2` moves the newest message of the link to its front. */
const overtake: Verb = (story, args) => {
  const [from, to] = args.link();
  const frame = story.cluster.network.overtake(from, to);
  if (frame === null) throw new ScriptError(`nothing is under way from ${from} to ${to}`);
  story.print(`first ${describeFrame(frame)}`);
};

/** `messages` lists what is under way; `messages 1->2`, `messages to 2`, `messages from 2`. */
const messages: Verb = (story, args) => {
  const chosen = chosenLinks(story, args);
  for (const { from, to } of story.cluster.network.busyLinks()) {
    if (!chosen(from, to)) continue;
    for (const frame of story.cluster.network.frames(from, to)) story.print(describeFrame(frame));
  }
};

/** `cut 1|2,3` severs the two sides both ways; `cut 1->2` one way. What is under way there waits. */
const cut: Verb = (story, args) => {
  const word = args.word("what to cut");
  const { network } = story.cluster;
  if (word.includes("->")) {
    network.cut(...toLink(word));
    return;
  }
  const [left = "", right = ""] = word.split("|");
  for (const a of left.split(",")) {
    for (const b of right.split(",")) {
      network.cut(a, b);
      network.cut(b, a);
    }
  }
};

/** `heal` mends all links; `heal 1->2` one. */
const heal: Verb = (story, args) => {
  const word = args.optionalWord();
  if (word === null) story.cluster.network.heal();
  else story.cluster.network.healLink(...toLink(word));
};

export const NETWORK_VERBS: Readonly<Record<string, Verb>> = {
  deliver,
  settle,
  drop,
  duplicate,
  overtake,
  messages,
  cut,
  heal,
};
