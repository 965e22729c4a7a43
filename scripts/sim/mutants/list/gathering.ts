/** Calls that share one between a gateway and a replica. */
import type { Mutant } from "../mutant.ts";

export const GATHERING_MUTANTS: readonly Mutant[] = [
  {
    id: "together-crossed-answers",
    title: "calls that were made together are told each other's answers",
    known: "each item of a batch keeps its own outcome",
    detector: "delays",
    edits: [
      {
        file: "src/gateway/session/gatherer.ts",
        search: "const reply = replies[place];",
        replace: "const reply = replies[replies.length - 1 - place];",
      },
    ],
  },
  {
    id: "together-lost-is-refused",
    title: "writes whose shared call was lost are told to be certainly not applied",
    known: "an unknown outcome is unknown for each item of a batch",
    detector: "delays",
    edits: [
      {
        file: "src/gateway/replica-client.ts",
        search: "settled(target, true, () => gathered.propose(request))",
        replace: "settled(target, false, () => gathered.propose(request))",
      },
    ],
  },
];
