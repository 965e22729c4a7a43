/**
 * The follower's side of a snapshot: pulls rows into the other generation of tables, one chunk a
 * turn, and makes them current in one small transaction. The cursor is durable, so a replica that
 * loses its memory half-way goes on where it was.
 */
import { SNAPSHOT_START } from "../mvcc/snapshot-types.ts";
import type { SnapshotToPull } from "../raft/effects.ts";
import type { Raft } from "../raft/raft.ts";
import type { MachineHost } from "./machine-host.ts";
import type { PullAnswer } from "./peer-api.ts";
import type { Peers } from "./peers.ts";
import type { Answered, PeerSender, ReplicaStorage, Staging } from "./ports.ts";

export interface SnapshotSinkParts {
  readonly storage: ReplicaStorage;
  readonly machine: MachineHost;
  readonly raft: Raft;
  readonly peers: Peers;
  readonly sender: PeerSender;
  /** Runs the handling of an answer as a turn of the engine. */
  readonly answered: (handle: (now: number, answer: PullAnswer | null) => void) => Answered<PullAnswer>;
  /** The entries up to `index` were replaced by what was pulled. */
  readonly installed: (index: number) => void;
  /** Wait before a failed pull is repeated. */
  readonly retryMs: number;
}

/** After so many failures in a row the source is given up; a leader that is there offers again. */
const FAILURES_MAX = 20;

export class SnapshotSink {
  readonly #parts: SnapshotSinkParts;
  #staging: Staging | null;
  #pullAt: number | null;
  #pulling = false;
  #failures = 0;

  /** `staging`: what was stored when memory was lost; its pull is resumed at `now`. */
  constructor(parts: SnapshotSinkParts, staging: Staging | null, now: number) {
    this.#parts = parts;
    this.#staging = staging;
    this.#pullAt = staging === null ? null : now;
  }

  get isActive(): boolean {
    return this.#staging !== null;
  }

  /** Inside a turn's transaction: a leader offered its state. */
  offered(now: number, offer: SnapshotToPull): void {
    if (this.#staging?.session === offer.session) return;
    this.#parts.machine.beginImport();
    this.#stage({
      from: offer.from,
      session: offer.session,
      point: { index: offer.index, term: offer.term },
      configuration: { index: offer.configurationIndex, configuration: offer.configuration },
      cursor: SNAPSHOT_START,
    });
    this.#failures = 0;
    this.#pullAt = now;
  }

  /** Asks for the next rows when it is time to. */
  tick(now: number): void {
    const staging = this.#staging;
    if (staging === null || this.#pulling || this.#pullAt === null || now < this.#pullAt) return;
    // Rows of an older import are still being dropped.
    if (!this.#parts.machine.isReadyToImport) return;
    this.#pulling = true;
    this.#pullAt = null;
    const request = {
      address: this.#parts.peers.addressTo(staging.from),
      session: staging.session,
      cursor: staging.cursor,
    };
    const handle = this.#parts.answered((later, answer) => {
      this.#pulling = false;
      this.#handle(later, staging, answer);
    });
    this.#parts.sender.pull(request, handle);
  }

  deadline(): number | null {
    // A newer offer may come while an older one is being pulled: its turn comes with that answer.
    return this.#pulling || !this.#parts.machine.isReadyToImport ? null : this.#pullAt;
  }

  /** The rows that have arrived and wait to be written in this turn's transaction. */
  #handle(now: number, asked: Staging, answer: PullAnswer | null): void {
    const staging = this.#staging;
    if (staging === null) return;
    if (staging.session !== asked.session) {
      this.#pullAt = now;
      return;
    }
    if (answer === null || answer.kind === "refused") {
      this.#failures += 1;
      if (this.#failures >= FAILURES_MAX) this.#abandon();
      else this.#pullAt = now + this.#parts.retryMs;
      return;
    }
    if (answer.kind === "no-session") {
      this.#abandon();
      return;
    }
    this.#failures = 0;
    const { machine, storage, raft } = this.#parts;
    machine.importChunk(answer.chunk);
    if (answer.chunk.next !== null) {
      this.#stage({ ...staging, cursor: answer.chunk.next });
      this.#pullAt = now;
      return;
    }
    this.#stage(null);
    const { point, configuration } = staging;
    if (!raft.installSnapshot(now, point, configuration)) {
      machine.abandonImport();
      return;
    }
    machine.finishImport(answer.state);
    storage.installSnapshot(point, configuration, raft.core.log.last > point.index);
    storage.setCommit(point.index);
    storage.setApplied(point.index, machine.state());
    this.#parts.installed(point.index);
  }

  #abandon(): void {
    this.#stage(null);
    this.#parts.machine.abandonImport();
  }

  #stage(staging: Staging | null): void {
    this.#staging = staging;
    this.#pullAt = null;
    this.#parts.storage.setStaging(staging);
  }
}
