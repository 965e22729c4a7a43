/**
 * The time of leases, kept by the leader alone and in memory. What the log knows is only which leases
 * there are and, now and then, how long they still have; a renewal is a change of memory.
 *
 * A lease never ends early. A new leader does not know when a lease was last renewed, so it gives each
 * the whole of its time again, or what was left at the last checkpoint, and an election's time on top.
 * Whoever may have renewed it did so before this leader's term had a committed entry: it confirmed its
 * leadership by a quorum after it was asked.
 *
 * A lease that nobody renews ends all the same, however many elections there are: whoever leads notes
 * in the log what is left when half of it has passed, or five minutes. Clients that renew regularly
 * never come that far, and so cost no entries of the log unless their leases last longer than that.
 * Whoever leads on without its memory knows since when nobody has renewed anything. It notes what is left
 * at once: it may lose its memory again long before half of the time is over.
 */
import { create, toBinary } from "@bufbuild/protobuf";
import { LIMITS } from "../base/limits.ts";
import type { LeaseTable } from "../mvcc/lease/lease-table.ts";
import { isJoint } from "../raft/configuration.ts";
import type { NodeId } from "../raft/types.ts";
import {
  type Command,
  CommandSchema,
  LeaseCheckpointsSchema,
  LeaseExpirySchema,
  type LeaseRecord,
} from "../wire/gen/edged_pb.ts";
import type { EngineContext } from "./engine-context.ts";
import { LeaseClock, type TimedLease } from "./lease-clock.ts";
import type { StoredReplica } from "./ports.ts";
import type { ProposalFate, Proposals } from "./proposals.ts";

/** Between two checkpoints of one lease. */
const CHECKPOINT_MS_MIN = 5_000;
const CHECKPOINT_MS_MAX = 300_000;
/** Leases looked at in one turn. */
const DUE_PER_TURN = 4_096;
/** The log refused the end of a lease, or its queue was full. */
const RETRY_MS = 1_000;

export type Renewal =
  | { readonly kind: "renewed"; readonly ttlMs: number }
  | { readonly kind: "unknown" }
  /** Its end is on the way through the log. */
  | { readonly kind: "ending" }
  | { readonly kind: "not-leader" }
  /** The log may know a shorter time: `Lessor.renewThroughLog`. */
  | { readonly kind: "checkpointed" };

/** What a replica without memory knows of its own: in the term `term` nobody has renewed anything since. */
interface Rest {
  readonly term: number;
  readonly since: number;
}

/** Leadership, from the moment when everything of earlier terms is applied. */
interface Office {
  readonly term: number;
  readonly since: number;
  /** What leases get on top: nobody was there to renew them while there was no leader. */
  readonly extraMs: number;
  readonly clock: LeaseClock;
  /** Leases whose time is over. */
  expired: TimedLease[];
  /** The last lease read; null before the first. */
  loadedTo: bigint | null;
  isLoaded: boolean;
  /** Time has passed before this office began that no checkpoint tells of. */
  mustNote: boolean;
  /** The present half second of expiries. */
  windowEndsAt: number;
  revokesLeft: number;
}

export class Lessor {
  readonly #context: EngineContext;
  readonly #proposals: Proposals;
  readonly #electionMs: number;
  #rest: Rest | null;
  #office: Office | null = null;

  constructor(
    context: EngineContext,
    proposals: Proposals,
    electionMs: number,
    stored: Pick<StoredReplica, "boot" | "writtenAt">,
  ) {
    this.#context = context;
    this.#proposals = proposals;
    this.#electionMs = electionMs;
    this.#rest = restOf(stored, context.raft.core.id);
  }

  /** Proposes what is due. Called within a turn, before its writes. */
  expire(now: number): void {
    const office = this.#office;
    if (office === null || !this.#isInOffice(office)) return;
    const checkpoints: TimedLease[] = [];
    for (const lease of office.clock.takeDue(now, DUE_PER_TURN)) {
      if (lease.deadline <= now) {
        office.expired.push(lease);
        continue;
      }
      if (lease.checkpointAt <= now) {
        if (lease.renewals === 0) checkpoints.push(lease);
        lease.checkpointAt = checkpointTime(now, lease.deadline);
      }
      office.clock.schedule(lease);
    }
    for (let from = 0; from < checkpoints.length; from += LIMITS.leaseCheckpointsMax) {
      this.#checkpoint(now, checkpoints.slice(from, from + LIMITS.leaseCheckpointsMax));
    }
    if (office.mustNote && office.isLoaded) this.#noteRest(now, office);
    if (office.expired.length > 0) this.#revokeExpired(now, office);
  }

  /** Takes note of what the turn applied and of who leads. Called when the turn's writes are done. */
  applied(now: number): void {
    const { raft, machine } = this.#context;
    const changes = machine.leases.takeChanges();
    const { core } = raft;
    if (!this.#mayTakeOffice) {
      this.#office = null;
      // Leases that are restored begin when all is there, whatever was before.
      if (machine.isRestoring) this.#rest = null;
      return;
    }
    if (this.#office === null || !this.#isInOffice(this.#office)) {
      const rest = this.#rest?.term === core.term ? this.#rest : null;
      this.#office = newOffice(now, core.term, rest, this.#electionMs);
    } else {
      for (const { id, kind } of changes) {
        this.#office.clock.remove(id);
        if (kind === "granted") this.#granted(now, this.#office, id);
      }
    }
    if (!this.#office.isLoaded) this.#load(this.#office);
  }

  /** When `expire` or `applied` has something to do; null for never. */
  deadline(): number | null {
    const office = this.#office;
    if (office === null) return this.#mayTakeOffice ? this.#context.now : null;
    if (!office.isLoaded || office.mustNote) return this.#context.now;
    const { nextAt } = office.clock;
    if (office.expired.length === 0) return nextAt;
    return Math.min(office.windowEndsAt, nextAt ?? Number.POSITIVE_INFINITY);
  }

  /** Renews a lease. To be called only after a quorum has confirmed the leadership. */
  renew(id: bigint): Renewal {
    const office = this.#office;
    if (office === null) return { kind: "not-leader" };
    const lease = this.#find(office, id);
    if (lease === null) return { kind: "unknown" };
    if (lease.isRevoking) return { kind: "ending" };
    if (lease.isCheckpointed) return { kind: "checkpointed" };
    return extend(lease, this.#context.now);
  }

  /**
   * Renews a lease whose shorter time is in the log: there the whole time must stand again before
   * anybody is told. Called outside of turns; `done` within one. False: the queue is full.
   */
  renewThroughLog(
    now: number,
    id: bigint,
    expiresAt: number,
    done: (renewal: Renewal | null) => void,
  ): boolean {
    const office = this.#office;
    const lease = office?.clock.get(id) ?? null;
    if (office === null || lease === null) return false;
    const command = checkpointCommand([[lease, 0]]);
    lease.renewals += 1;
    const settle = (fate: ProposalFate) => {
      lease.renewals -= 1;
      if (fate.kind !== "outcome") done(null);
      // What this very turn applied is not noted in the lease yet.
      else if (lease.isGone || this.#leases().get(id)?.granted !== lease.granted) done({ kind: "unknown" });
      else if (lease.isRevoking) done({ kind: "ending" });
      else if (this.#office !== office) done({ kind: "not-leader" });
      else {
        lease.isCheckpointed = false;
        done(extend(lease, this.#context.now));
      }
    };
    if (this.#propose(now, command, expiresAt, settle)) {
      this.#context.turn(now, () => undefined);
      return true;
    }
    lease.renewals -= 1;
    return false;
  }

  /** What a lease still has, in milliseconds, 0 when it should be gone already; null if it is unknown or nobody leads here. */
  remainingMs(id: bigint): number | null {
    const lease = this.#office === null ? null : this.#find(this.#office, id);
    return lease === null ? null : Math.max(0, lease.deadline - this.#context.now);
  }

  /** All leases, the soonest to expire first; null before they are all read. */
  list(): readonly bigint[] | null {
    return this.#office?.isLoaded === true ? this.#office.clock.byExpiry().map(({ id }) => id) : null;
  }

  /** Entries of earlier terms may still change leases, and what is restored in part is nobody's yet. */
  get #mayTakeOffice(): boolean {
    const { raft, machine } = this.#context;
    return raft.isLeader && raft.core.applied >= raft.core.termStartIndex && !machine.isRestoring;
  }

  #isInOffice(office: Office): boolean {
    const { raft } = this.#context;
    return raft.isLeader && raft.core.term === office.term;
  }

  #leases(): LeaseTable {
    return this.#context.machine.leases;
  }

  #granted(now: number, office: Office, id: bigint): void {
    const record = this.#leases().get(id);
    // Gone again in the same turn.
    if (record !== null) office.clock.add(timedLease(id, record, now, 0));
  }

  /** One page of leases: a leader of many serves while it reads them, and finds any that is asked for. */
  #load(office: Office): void {
    const page = this.#leases().page(office.loadedTo, LIMITS.leasesLoadedPerTurn);
    for (const { id, record } of page) {
      if (office.clock.get(id) === null) office.clock.add(this.#inherited(office, id, record));
    }
    office.loadedTo = page.at(-1)?.id ?? null;
    office.isLoaded = page.length < LIMITS.leasesLoadedPerTurn;
  }

  #find(office: Office, id: bigint): TimedLease | null {
    const known = office.clock.get(id);
    if (known !== null || office.isLoaded) return known;
    const record = this.#leases().get(id);
    if (record === null) return null;
    const lease = this.#inherited(office, id, record);
    office.clock.add(lease);
    return lease;
  }

  /** A lease from before this office. */
  #inherited(office: Office, id: bigint, record: LeaseRecord): TimedLease {
    return timedLease(id, record, office.since, office.extraMs);
  }

  /** The next to end come first, so that some get on however short each office is. */
  #noteRest(now: number, office: Office): void {
    office.mustNote = false;
    const leases = office.clock.byExpiry().filter(({ renewals, isRevoking, deadline, ttlMs }) => {
      const leftMs = deadline - now;
      return renewals === 0 && !isRevoking && leftMs > 0 && ttlMs - leftMs >= CHECKPOINT_MS_MIN;
    });
    if (leases.length > 0) this.#checkpoint(now, leases.slice(0, LIMITS.leaseRestsNotedMax));
  }

  #checkpoint(now: number, leases: readonly TimedLease[]): void {
    const remaining = leases.map((lease) => [lease, Math.ceil(lease.deadline - now)] as const);
    if (!this.#propose(now, checkpointCommand(remaining), Number.POSITIVE_INFINITY, () => undefined)) return;
    for (const lease of leases) lease.isCheckpointed = true;
  }

  #revokeExpired(now: number, office: Office): void {
    if (now >= office.windowEndsAt) {
      office.windowEndsAt = now + LIMITS.leaseRevokePauseMs;
      office.revokesLeft = LIMITS.leaseRevokesMax;
    }
    let taken = 0;
    for (const lease of office.expired) {
      if (office.revokesLeft === 0) break;
      taken += 1;
      if (lease.isGone) continue;
      if (lease.deadline > now) {
        office.clock.schedule(lease);
      } else if (this.#revoke(now, office, lease)) {
        office.revokesLeft -= 1;
      } else {
        office.clock.schedule(lease, now + RETRY_MS);
      }
    }
    office.expired = office.expired.slice(taken);
  }

  /** Its time in the queue of writes is not bounded: nobody may renew it while it may yet be carried out. */
  #revoke(now: number, office: Office, lease: TimedLease): boolean {
    const { id, granted } = lease;
    const value = create(LeaseExpirySchema, { id, granted });
    const command = create(CommandSchema, { request: { case: "leaseExpiry", value } });
    const accepted = this.#propose(now, command, Number.POSITIVE_INFINITY, (fate) => {
      if (fate.kind !== "outcome" || fate.outcome.kind === "applied" || lease.isGone) return;
      lease.isRevoking = false;
      office.clock.schedule(lease, this.#context.now + RETRY_MS);
    });
    if (accepted) lease.isRevoking = true;
    return accepted;
  }

  #propose(now: number, command: Command, expiresAt: number, settle: (fate: ProposalFate) => void): boolean {
    command.internal = true;
    return this.#proposals.add(now, toBinary(CommandSchema, command), expiresAt, settle);
  }
}

/**
 * Who fell asleep has renewed nothing since. The only member of a cluster writes before it renews, and
 * nobody else can have led: it was alone in a configuration that it knew to be committed.
 */
function restOf({ boot, writtenAt }: Pick<StoredReplica, "boot" | "writtenAt">, id: NodeId): Rest | null {
  if (boot.sleep !== null) return { term: boot.term, since: boot.sleep.at };
  const newest = boot.configurations.at(-1);
  if (newest === undefined || newest.index > boot.commit || writtenAt === 0) return null;
  const { configuration } = newest;
  const { voters, learners } = configuration;
  const isAlone = voters.length === 1 && voters[0] === id && learners.length === 0 && !isJoint(configuration);
  return isAlone ? { term: boot.term + 1, since: writtenAt } : null;
}

function newOffice(now: number, term: number, rest: Rest | null, electionMs: number): Office {
  const since = Math.min(rest?.since ?? now, now);
  return {
    term,
    since,
    extraMs: rest === null ? electionMs : 0,
    mustNote: now - since >= CHECKPOINT_MS_MIN,
    clock: new LeaseClock(),
    expired: [],
    loadedTo: null,
    isLoaded: false,
    windowEndsAt: 0,
    revokesLeft: 0,
  };
}

function timedLease(id: bigint, record: LeaseRecord, from: number, extraMs: number): TimedLease {
  const ttlMs = Number(record.ttl) * 1_000;
  const isCheckpointed = record.remainingMs > 0n;
  const deadline = from + (isCheckpointed ? Number(record.remainingMs) : ttlMs) + extraMs;
  return {
    id,
    granted: record.granted,
    ttlMs,
    deadline,
    checkpointAt: checkpointTime(from, deadline),
    isCheckpointed,
    renewals: 0,
    isRevoking: false,
    isGone: false,
  };
}

function extend(lease: TimedLease, now: number): Renewal {
  // The queue holds an earlier time and finds the new one when that has come.
  lease.deadline = Math.max(lease.deadline, now + lease.ttlMs);
  lease.checkpointAt = checkpointTime(now, lease.deadline);
  return { kind: "renewed", ttlMs: lease.ttlMs };
}

function checkpointTime(now: number, deadline: number): number {
  const slice = Math.min(Math.max((deadline - now) / 2, CHECKPOINT_MS_MIN), CHECKPOINT_MS_MAX);
  return now + slice;
}

/** What leases still have; 0 for the whole time. */
function checkpointCommand(leases: readonly (readonly [TimedLease, number])[]): Command {
  const value = create(LeaseCheckpointsSchema, {
    leases: leases.map(([{ id, granted }, remainingMs]) => ({
      id,
      remainingMs: BigInt(remainingMs),
      granted,
    })),
  });
  return create(CommandSchema, { request: { case: "leaseCheckpoints", value } });
}
