/** Watches: every change once, in order, whole revisions, and no bookmark that passes one. */
import type { Mutant } from "../mutant.ts";

const HUB = "src/engine/watch-hub.ts";
const READER = "src/engine/watch-reader.ts";
const RANGE = "src/gateway/watch/watched-range.ts";

export const WATCH_MUTANTS: readonly Mutant[] = [
  {
    id: "watch-goes-back",
    title: "a watcher takes the position of a replica that is behind",
    known: "etcd #15271, #20221 (watches go back in time)",
    detector: "watched",
    edits: [
      {
        file: RANGE,
        search: "if (isBefore(this.#from, next)) this.#from = next;",
        replace: "this.#from = next;",
      },
    ],
  },
  {
    id: "watch-compacted-silently",
    title: "a watcher whose next change is compacted is told what is left instead",
    known: "etcd #17529",
    detector: "watched",
    edits: [
      {
        file: READER,
        search: "if (from.revision < compactRevision) compacted.push(place);",
        replace: "if (from.revision < compactRevision - 1_000_000) compacted.push(place);",
      },
    ],
  },
  {
    id: "watch-forgets-snapshot",
    title: "those who wait are told only what follows an installed snapshot",
    known: "etcd #15271 (watchers after a snapshot)",
    detector: "behind",
    edits: [
      {
        file: HUB,
        search: "const isSame = before.generation === state.generation;",
        replace: "const isSame = true;",
      },
    ],
  },
  {
    id: "watch-splits-revision",
    title: "an answer ends in the middle of a revision that would have fitted into the next one",
    known: "etcd's guarantee that a revision is told at once",
    detector: "watched",
    edits: [
      {
        file: "src/engine/watch-batch.ts",
        search: "if (isCut && this.#events.length > 0) this.#dropOpen();",
        replace:
          "if (isCut && this.#events.length > 0) this.#cut({ revision: looked.revision + 1, sub: 0 });",
      },
    ],
  },
  {
    id: "watch-answer-lost",
    title: "an answer that nobody waits for any more moves the watcher on",
    known: "etcd #18089 (events lost between streams)",
    detector: "watched",
    edits: [
      {
        file: "src/gateway/watch/puller.ts",
        search: "if (outcome === undefined || this.#isClosed) return;",
        replace:
          "if (outcome === undefined) for (const watch of watches) " +
          "watch.take([], { revision: watch.range.from.revision + 1, sub: 0 });\n" +
          "    if (outcome === undefined || this.#isClosed) return;",
      },
    ],
  },
];
