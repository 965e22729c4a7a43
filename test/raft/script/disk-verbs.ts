/** Disks: when what was written becomes durable. */
import type { Verb } from "./verb.ts";

/** `hold 1` keeps node 1's transactions pending from now on. */
const hold: Verb = (story, args) => {
  story.cluster.replica(args.word("the node")).held = true;
};

/** `flush 1` makes the oldest pending transaction durable; `flush 1 3` three of them; `flush 1 all` all, and holds no longer. */
const flush: Verb = (story, args) => {
  const replica = story.cluster.replica(args.word("the node"));
  const count = args.optionalWord() ?? "1";
  if (count === "all") {
    replica.held = false;
    replica.flush();
  } else {
    for (let i = 0; i < Number(count); i += 1) replica.flushOne();
  }
  story.print(`${replica.disk.pendingCount} pending`);
};

/** `compact 1 8` deletes node 1's applied entries up to 8. */
const compact: Verb = (story, args) => {
  const replica = story.cluster.replica(args.word("the node"));
  replica.compact(args.number("the index"));
};

export const DISK_VERBS: Readonly<Record<string, Verb>> = { hold, flush, compact };
