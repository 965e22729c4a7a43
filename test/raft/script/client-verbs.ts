/** What clients and administrators ask for. */
import { payload } from "../harness/payload.ts";
import type { Verb } from "./verb.ts";

/** `propose 1 x` offers the command "x" to node 1; `propose 1 x 3` does it three times. */
const propose: Verb = (story, args) => {
  const replica = story.cluster.replica(args.word("the node"));
  const text = args.word("the command");
  const times = args.optionalNumber(1);
  for (let i = 1; i <= times; i += 1) {
    const result = replica.propose(payload(times === 1 ? text : `${text}${i}`));
    story.print(result.kind === "accepted" ? `accepted as ${result.term}/${result.index}` : result.kind);
  }
};

/** `read 1` asks node 1 for a linearizable read; reads are numbered from 1. */
const read: Verb = (story, args) => {
  story.print(`read ${story.cluster.read(args.word("the node"))}`);
};

/** `transfer 1 2` asks leader 1 to hand over to 2. */
const transfer: Verb = (story, args) => {
  const replica = story.cluster.replica(args.word("the leader"));
  story.print(replica.transfer(args.word("the successor")));
};

/** `membership 1 voters=1,2,4 learners=3` asks leader 1 for this membership. */
const membership: Verb = (story, args) => {
  const replica = story.cluster.replica(args.word("the leader"));
  const voters = args.namedList("voters") ?? [];
  const learners = args.namedList("learners") ?? [];
  const result = replica.proposeConfiguration({ voters, learners });
  if (result.kind === "accepted") story.print(`accepted as ${result.term}/${result.index}`);
  else story.print(result.kind === "refused" ? `refused: ${result.problem}` : result.kind);
};

/** `unreachable 1 2` tells node 1 that a call to 2 failed; `ago=5` one that it made 5 ms ago. */
const unreachable: Verb = (story, args) => {
  const replica = story.cluster.replica(args.word("the node"));
  replica.unreachable(args.word("the other node"), args.namedNumber("ago") ?? 0);
};

/** `wake 2` a client wants something of node 2, which it cannot do alone. */
const wake: Verb = (story, args) => {
  story.cluster.replica(args.word("the node")).wake();
};

/** `snapshot-failed 1 2` ends the snapshot session that 1 keeps open for 2. */
const snapshotFailed: Verb = (story, args) => {
  const replica = story.cluster.replica(args.word("the node"));
  replica.snapshotFailed(args.word("the other node"));
};

export const CLIENT_VERBS: Readonly<Record<string, Verb>> = {
  propose,
  read,
  transfer,
  membership,
  unreachable,
  wake,
  "snapshot-failed": snapshotFailed,
};
