/**
 * Backups being read by clients: each a moment of the state machine that is pinned until its last rows
 * were read, or nobody has asked for a while.
 */
import { create } from "@bufbuild/protobuf";
import { LIMITS } from "../base/limits.ts";
import { err, ok, type Result } from "../base/result.ts";
import { SNAPSHOT_START, type SnapshotBounds, type SnapshotCursor } from "../mvcc/snapshot-types.ts";
import type { ErrorKey } from "../wire/errors.ts";
import {
  type BackupHeader,
  BackupHeaderSchema,
  type BackupRead,
  type BackupSlice,
  BackupSliceSchema,
} from "../wire/gen/edged_pb.ts";
import type { EngineContext } from "./engine-context.ts";

/** The version of what a backup's rows mean. */
export const BACKUP_FORMAT = 1;
const IDLE_MS = 30_000;

interface Session {
  readonly id: string;
  readonly bounds: SnapshotBounds;
  readonly header: BackupHeader;
  /** Where the slices begin that may be asked for: the next one, and the one before, again. */
  slices: number;
  cursor: SnapshotCursor | null;
  previous: SnapshotCursor;
  sentBytes: number;
  expiresAt: number;
}

export class BackupSource {
  readonly #context: EngineContext;
  #sessions: Session[] = [];
  #opened = 0;

  constructor(context: EngineContext) {
    this.#context = context;
  }

  /** Errors: tooManyRequests, backupLost. */
  read({ session: id, slices }: BackupRead): Result<BackupSlice, ErrorKey> {
    const { machine, now } = this.#context;
    if (id === "") return this.#open();
    const session = this.#sessions.find((known) => known.id === id);
    if (session === undefined) return err("backupLost");
    // A snapshot was installed here meanwhile: the rows are gone.
    if (machine.state().generation !== session.bounds.state.generation) {
      this.#close(session);
      return err("backupLost");
    }
    session.expiresAt = now + IDLE_MS;
    if (slices === session.slices - 1) return ok(this.#slice(session, session.previous));
    if (slices !== session.slices || session.cursor === null) return err("backupLost");
    session.previous = session.cursor;
    session.slices += 1;
    return ok(this.#slice(session, session.cursor));
  }

  /** Called in every turn. */
  expire(now: number): void {
    for (const session of this.#sessions) if (session.expiresAt <= now) this.#close(session);
  }

  deadline(): number | null {
    return this.#sessions.length === 0 ? null : Math.min(...this.#sessions.map(({ expiresAt }) => expiresAt));
  }

  #open(): Result<BackupSlice, ErrorKey> {
    const { machine, now, peers } = this.#context;
    if (this.#sessions.length >= LIMITS.backupSessionsMax) return err("tooManyRequests");
    this.#opened += 1;
    const session: Session = {
      id: `${peers.incarnation}.${now}.${this.#opened}`,
      bounds: machine.pin(),
      header: this.#header(),
      slices: 1,
      cursor: SNAPSHOT_START,
      previous: SNAPSHOT_START,
      sentBytes: 0,
      expiresAt: now + IDLE_MS,
    };
    this.#sessions.push(session);
    const slice = this.#slice(session, SNAPSHOT_START);
    slice.header = session.header;
    return ok(slice);
  }

  #slice(session: Session, cursor: SnapshotCursor): BackupSlice {
    const { machine, storage } = this.#context;
    const { versions, records, next } = machine.backupRows(
      session.bounds,
      cursor,
      LIMITS.backupSliceBytesMax,
    );
    session.cursor = next;
    for (const { key, value } of [...versions, ...records]) session.sentBytes += key.length + value.length;
    const left = Math.max(1, storage.databaseBytes() - session.sentBytes);
    return create(BackupSliceSchema, {
      session: session.id,
      versions,
      records,
      done: next === null,
      remainingBytes: next === null ? 0n : BigInt(left),
    });
  }

  #header(): BackupHeader {
    const { machine, raft, header } = this.#context;
    const { clusterId, member } = header();
    const { revision, compactRevision, ord } = machine.state();
    const { core } = raft;
    const { voters, learners } = core.configurations.current;
    return create(BackupHeaderSchema, {
      format: BACKUP_FORMAT,
      clusterId: BigInt(`0x${clusterId}`),
      member,
      revision: BigInt(revision),
      compactRevision: BigInt(compactRevision),
      ord: BigInt(ord),
      index: BigInt(core.applied),
      term: BigInt(core.term),
      voters: [...voters],
      learners: [...learners],
    });
  }

  #close(session: Session): void {
    this.#sessions = this.#sessions.filter((other) => other !== session);
    this.#context.machine.unpin(session.bounds);
  }
}
