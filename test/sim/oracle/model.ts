/**
 * Ground truth: the committed log, replayed once. Knows what every command did and what the store
 * looked like after each of them.
 */
import { assert, defined } from "../../../src/base/assert.ts";
import { toHex } from "../../../src/base/bytes.ts";
import { LIMITS } from "../../../src/base/limits.ts";
import type { CommandRequest } from "../../../src/gateway/commands.ts";
import { isMemberRequest } from "../../../src/mvcc/member/member-change.ts";
import type { Entry } from "../../../src/raft/types.ts";
import { decodeBatch } from "../../../src/wire/batch.ts";
import type { Command } from "../../../src/wire/gen/edged_pb.ts";
import type { NaiveUsers } from "../auth/naive-users.ts";
import { NaiveStore } from "./naive-store.ts";
import { refusedByAlarm } from "./operations/alarm.ts";
import { WRITES } from "./operations/all.ts";
import type { Expected, WriteKind } from "./operations/operation-kind.ts";

/** One run of one command. */
export interface Execution {
  readonly kind: Pick<WriteKind, "name">;
  readonly expected: Expected;
  /** The store's revision after it. */
  readonly revision: number;
  /** How many commands were applied before it. */
  readonly sequence: number;
  /** For whom it is signed. */
  readonly user: string;
}

const MEMBER_CHANGE = { name: "member change" } as const;

/** The counters at a moment of the log. */
export interface Moment {
  readonly revision: number;
  readonly ord: number;
  readonly sequence: number;
  readonly compactRevision: number;
  readonly alarms: readonly string[];
  readonly users: NaiveUsers;
  /** A backup is being restored: of its history only what is not compacted has come. */
  readonly isRestoring: boolean;
}

export class Model {
  readonly store = new NaiveStore();
  /** By operation id (hex): every run of it; more than one is a broken promise. */
  readonly executions = new Map<string, Execution[]>();
  /** By operation id: the log indexes that carry it. */
  readonly carriers = new Map<string, number[]>();
  /** By number of commands applied. */
  readonly bySequence: Moment[] = [];
  /** By log index. */
  readonly byIndex: Moment[] = [];
  /** Commands that raised the compacted revision. */
  compactions = 0;
  /** Those of them that the leader made by itself, and the alarms it raised. */
  autoCompactions = 0;
  /** Requests to change members. */
  memberChanges = 0;
  quotaAlarms = 0;
  /** To whom tokens were ever granted. */
  readonly tokenOwners = new Map<string, string>();
  /** Commands that their user may not give. */
  forbidden = 0;
  #index = 0;

  constructor() {
    this.bySequence.push(this.#moment());
    this.byIndex.push(this.#moment());
  }

  /** The last entry replayed. */
  get index(): number {
    return this.#index;
  }

  get sequence(): number {
    return this.bySequence.length - 1;
  }

  /** Replays the entry at `index + 1`. */
  replay(entry: Entry): void {
    assert(entry.index === this.#index + 1, "the log is replayed in order");
    this.#index = entry.index;
    if (entry.kind === "command") {
      for (const command of decodeBatch(entry.data)) this.#command(entry.index, command);
    }
    this.byIndex.push(this.#moment());
  }

  #moment(): Moment {
    const { revision, versions, compactRevision, alarms, users, isRestoring } = this.store;
    return {
      revision,
      ord: versions.length,
      sequence: Math.max(0, this.sequence),
      compactRevision,
      alarms,
      users,
      isRestoring,
    };
  }

  #command(index: number, command: Command): void {
    const id = toHex(command.opId);
    const { sequence } = this;
    if (id === "") {
      this.#runOwn(command);
    } else {
      const carriers = this.carriers.get(id) ?? [];
      carriers.push(index);
      this.carriers.set(id, carriers);
      if (this.#mayRun(id, Number(command.seen), sequence)) this.#run(id, command, sequence);
    }
    this.bySequence.push({ ...this.#moment(), sequence: sequence + 1 });
  }

  /** The window of remembered operations, as its documentation says it works. */
  #mayRun(id: string, seen: number, sequence: number): boolean {
    const remembered = this.executions.get(id)?.at(-1);
    if (remembered !== undefined && sequence - remembered.sequence <= LIMITS.dedupOperationsMax) return false;
    return seen + LIMITS.dedupOperationsMax > sequence;
  }

  /** The leader's own commands have no id: each is run, and nobody waits for what it answers. */
  #runOwn(command: Command): void {
    const { compactions } = this;
    const alarms = this.store.alarms.length;
    this.#execute(command);
    this.autoCompactions += this.compactions - compactions;
    this.quotaAlarms += this.store.alarms.length - alarms;
  }

  #run(id: string, command: Command, sequence: number): void {
    const execution = { ...this.#execute(command), sequence, user: command.user };
    const { expected } = execution;
    // Signed anew, it runs under the same id.
    if (expected.kind === "rejected" && expected.error === "authOldRevision") return;
    const known = this.executions.get(id);
    if (known === undefined) this.executions.set(id, [execution]);
    else known.push(execution);
  }

  #execute(command: Command): Omit<Execution, "sequence" | "user"> {
    const { request } = command;
    this.store.place = this.sequence + 1;
    assert(request.case !== undefined, "no command without a request is committed");
    const isKeptOut = this.store.isRestoring && request.case !== "restore";
    if (isMemberRequest(request)) {
      // Who the members are is checked by the invariants of configurations, and by equal content.
      this.memberChanges += 1;
      this.store.finish();
      // Whether there is such a member is not judged here.
      const error = isKeptOut ? "restoring" : this.#refuses(command, request);
      const expected: Expected =
        error === null ? { kind: "applied", answer: null } : { kind: "rejected", error };
      return { kind: MEMBER_CHANGE, expected, revision: this.store.revision };
    }
    const kind = defined(
      WRITES.find(({ requestCase }) => requestCase === request.case),
      `no operation for ${request.case}`,
    );
    const compacted = this.store.compactRevision;
    const refusal = isKeptOut ? "restoring" : this.#refuses(command, request);
    const expected: Expected =
      refusal === null
        ? kind.execute(this.store, request satisfies CommandRequest)
        : { kind: "rejected", error: refusal };
    if (request.case === "authenticate" && expected.kind === "applied") {
      this.tokenOwners.set(request.value.token, request.value.user);
    }
    if (this.store.compactRevision > compacted) this.compactions += 1;
    this.store.finish();
    return { kind, expected, revision: this.store.revision };
  }

  /** Whatever an alarm refuses first is refused for that; a backup is for a cluster that has neither users nor keys. */
  #refuses(command: Command, request: CommandRequest): string | null {
    if (request.case === "restore") return null;
    return refusedByAlarm(this.store.alarms, request) ?? this.#forbids(command);
  }

  #forbids({ request, user, authRevision, internal }: Command): string | null {
    if (internal) return null;
    const refusal = this.store.users.refusal(request, user, Number(authRevision), (lease) =>
      this.store.keysOf(lease),
    );
    if (refusal !== null) this.forbidden += 1;
    return refusal;
  }
}
