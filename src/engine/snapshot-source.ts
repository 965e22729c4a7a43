/**
 * The leader's side of a snapshot: sessions from which followers pull rows. Rows of versions up to
 * the session's moment never change; the state machine keeps the collector away from them as long
 * as the session lives, and the log after that moment is kept too.
 */
import { LIMITS } from "../base/limits.ts";
import type { SnapshotBounds } from "../mvcc/snapshot-types.ts";
import type { NodeId } from "../raft/types.ts";
import type { MachineHost } from "./machine-host.ts";
import type { PullAnswer, PullRequest } from "./peer-api.ts";

interface Session {
  readonly id: string;
  readonly to: NodeId;
  readonly index: number;
  readonly bounds: SnapshotBounds;
  expiresAt: number;
}

export class SnapshotSource {
  readonly #machine: MachineHost;
  readonly #idleMs: number;
  #sessions: Session[] = [];
  #opened = 0;

  /** `idleMs`: a session nobody pulls from for so long is closed. */
  constructor(machine: MachineHost, idleMs: number) {
    this.#machine = machine;
    this.#idleMs = idleMs;
  }

  /** The log must keep what follows this index; null: no session is open. */
  get oldestIndex(): number | null {
    return this.#sessions.reduce<number | null>(
      (oldest, { index }) => (oldest === null || index < oldest ? index : oldest),
      null,
    );
  }

  /** Opens a session at the state machine's present. Null: too many are open. */
  open(now: number, to: NodeId, index: number, incarnation: string): string | null {
    this.closeFor(to);
    if (this.#sessions.length >= LIMITS.snapshotSessionsMax) return null;
    this.#opened += 1;
    this.#sessions.push({
      // Unique over this replica's life: a session of an earlier start must not be mistaken for this one.
      id: `${incarnation}.${now}.${this.#opened}`,
      to,
      index,
      bounds: this.#machine.pin(),
      expiresAt: now + this.#idleMs,
    });
    return this.#sessions.at(-1)?.id ?? null;
  }

  pull(now: number, request: PullRequest): PullAnswer {
    const session = this.#sessions.find(
      ({ id, to }) => id === request.session && to === request.address.from,
    );
    if (session === undefined) return { kind: "no-session" };
    session.expiresAt = now + this.#idleMs;
    const { bounds } = session;
    const chunk = this.#machine.exportChunk(bounds, request.cursor, LIMITS.snapshotChunkBytesMax);
    // The newest answers are among the rows.
    return { kind: "chunk", chunk, state: { ...bounds.state, recent: null } };
  }

  closeFor(to: NodeId): void {
    this.#close((session) => session.to === to);
  }

  closeAll(): void {
    this.#close(() => true);
  }

  /** Closes idle sessions; returns whose they were. */
  expire(now: number): readonly NodeId[] {
    return this.#close((session) => session.expiresAt <= now);
  }

  deadline(): number | null {
    return this.#sessions.reduce<number | null>(
      (earliest, { expiresAt }) => (earliest === null || expiresAt < earliest ? expiresAt : earliest),
      null,
    );
  }

  #close(which: (session: Session) => boolean): readonly NodeId[] {
    const closed = this.#sessions.filter(which);
    if (closed.length === 0) return [];
    this.#sessions = this.#sessions.filter((session) => !which(session));
    for (const { bounds } of closed) this.#machine.unpin(bounds);
    return closed.map(({ to }) => to);
  }
}
