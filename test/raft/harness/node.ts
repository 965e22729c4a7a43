/** One core alone, for tests that compare its effects as data. Time is what the test says. */
import { simpleConfiguration } from "../../../src/raft/configuration.ts";
import type { Effects } from "../../../src/raft/effects.ts";
import type { Message, Outgoing } from "../../../src/raft/message.ts";
import type { RaftOptions } from "../../../src/raft/options.ts";
import { Raft } from "../../../src/raft/raft.ts";
import type { Configuration, Entry, NodeId } from "../../../src/raft/types.ts";
import { TEST_OPTIONS } from "./cluster.ts";
import { Disk, DiskState, EMPTY_TRANSACTION } from "./disk.ts";
import { payload } from "./payload.ts";

export const NOTHING: Effects = {
  first: [],
  truncateFrom: null,
  append: [],
  hardState: null,
  slept: null,
  commit: null,
  after: [],
  reads: [],
  snapshotsWanted: [],
  snapshotOffered: null,
};

export interface NodeSetup {
  readonly id?: NodeId;
  readonly configuration?: Configuration;
  readonly term?: number;
  readonly vote?: NodeId | null;
  /** Terms of the entries on disk, from index 1. */
  readonly log?: readonly number[];
  readonly commit?: number;
  readonly options?: Partial<RaftOptions>;
}

export function command(index: number, term: number, text: string): Entry {
  return { kind: "command", index, term, data: payload(text) };
}

export function empty(index: number, term: number): Entry {
  return { kind: "empty", index, term };
}

/** Node "1" of three voters unless told otherwise, with a disk on which everything is durable at once. */
export class TestNode {
  readonly raft: Raft;
  readonly disk: Disk;
  now = 0;

  constructor(setup: NodeSetup = {}) {
    const state = new DiskState(setup.configuration ?? simpleConfiguration(["1", "2", "3"]));
    state.entries = (setup.log ?? []).map((term, i) => command(i + 1, term, `${term}.${i + 1}`));
    state.term = setup.term ?? state.entries.at(-1)?.term ?? 0;
    state.vote = setup.vote ?? null;
    state.commit = setup.commit ?? 0;
    state.applied = state.commit;
    this.disk = new Disk(state);
    this.raft = new Raft({
      id: setup.id ?? "1",
      boot: this.disk.boot(),
      reader: this.disk.reader(),
      options: { ...TEST_OPTIONS, ...setup.options },
      seed: 1,
      now: 0,
    });
  }

  /** Handles a message and gives the first effects of it; everything they ask for is then stored. */
  step(from: NodeId, message: Message): Effects {
    this.raft.step(this.now, from, message);
    return this.take();
  }

  /** Moves time to `at` and ticks. */
  tickAt(at: number): Effects {
    this.now = at;
    this.raft.tick(at);
    return this.take();
  }

  /** The effects of the inputs so far; stores and applies them, and drops what follows from that. */
  take(): Effects {
    const effects = this.raft.takeEffects();
    this.#store(effects);
    return effects;
  }

  /** Sent messages of effects, in the order in which they leave. */
  static sent(effects: Effects): readonly Outgoing[] {
    return [...effects.first, ...effects.after];
  }

  /** Makes this node leader of the next term with the votes of all others. */
  lead(): void {
    const { raft } = this;
    const { electionAt } = raft.core;
    this.tickAt(electionAt ?? this.now);
    const others = raft.core.configurations.current.voters.filter((id) => id !== raft.core.id);
    const term = raft.core.role === "leader" ? raft.core.term : raft.core.term + 1;
    for (const preVote of [true, false]) {
      for (const id of others) this.step(id, { kind: "vote-response", term, preVote, granted: true });
    }
  }

  #store(effects: Effects): void {
    const { hardState, truncateFrom, append, commit } = effects;
    this.disk.write({ ...EMPTY_TRANSACTION, hardState, truncateFrom, append, commit, applyTo: commit });
    this.disk.flushOne();
    const last = append.at(-1);
    if (last !== undefined) this.raft.persisted(this.now, last.index, last.term);
    if (commit !== null) this.raft.appliedTo(commit);
  }
}
