/**
 * Brings reads and writes to the replicas of a cluster: any replica for a read, the leader for a
 * write, another one when an attempt fails, all within one budget of time.
 *
 * A write is retried with the same bytes (operation id and `seen`), so that the state machine
 * applies it once however many attempts arrive.
 */
import { assertNever } from "../base/assert.ts";
import type {
  ProposeReply,
  QueryReply,
  RangeCall,
  RangeReply,
  ReadCall,
  ReadTxnReply,
  Rejected,
  ReplicaHeader,
  StatusReply,
  Unavailable,
  WatchCall,
  WatchReply,
} from "../engine/replica-api.ts";
import type { ErrorKey } from "../wire/errors.ts";
import { ClusterView } from "./cluster-view.ts";
import type { Distances } from "./distances.ts";
import type { Clock, Entropy, ReplicaClient, ReplicaDirectory } from "./ports.ts";
import { QUERY, RANGE, READ_TXN, type ReadMethod, type Timeless, WATCH } from "./read-methods.ts";
import { RoutePlan } from "./route-plan.ts";

/** Clusters one isolate remembers; the oldest is forgotten, which costs one question later. */
const VIEWS_MAX = 1_000;
/** Refusals for a full queue after which a request adds no more load. */
const OVERLOADS_MAX = 3;
/** Fresh ids after an id was refused as too old. */
const REMINTS_MAX = 3;
const STATUS_MS = 2_000;
/** Refusals that are not remembered under a write's id: the same write may be taken elsewhere. */
const SAY_NOTHING: ReadonlySet<string> = new Set<ErrorKey>([
  "invalidAuthToken",
  "authOldRevision",
  "userEmpty",
]);
/** Time to find out who the members are, when they have changed. */
const FOLLOW_MS = 1_000;
/** Time for a replica to come by what others had applied already. */
const CATCH_UP_MS = 100;

/** A member and, if it is on record, where it is. */
export interface RouterMember {
  readonly name: string;
  readonly hint: string | null;
}

/** What every member said, in the order of `members`. */
export interface GroupStatuses {
  readonly members: readonly RouterMember[];
  readonly replies: readonly (StatusReply | Unavailable)[];
}

export interface RouterOptions {
  readonly members: readonly string[];
  /** Time for a request, all its attempts and pauses together. */
  readonly budgetMs: number;
  /** Time for one attempt: long enough for an election, short enough to ask somebody else. */
  readonly attemptMs: number;
}

/** A write before its bytes are final. */
export interface WriteRequest {
  /** The id of the operation: a fresh one at each call, or always the same if the client chose it. */
  operationId(): Uint8Array;
  /** The encoded `edged.Command`. */
  encode(operationId: Uint8Array, seen: number): Uint8Array;
  /**
   * An earlier request may have carried the same operation: its client chose the id. Only the log knows
   * what became of it, and what it refuses it refuses for good.
   */
  readonly mayRepeat?: boolean;
}

/** No answer within the budget. */
export interface RouteFailure {
  readonly kind: "failed";
  /** `unknown`: the write may take effect, now or later. Reads are always `not-applied`. */
  readonly outcome: "not-applied" | "unknown";
  readonly reason: Unavailable["reason"];
  /** The last reason a replica gave. */
  readonly message: string;
  readonly header: ReplicaHeader | null;
}

export type WriteOutcome = Extract<ProposeReply, { kind: "applied" }> | Rejected | RouteFailure;
export type ReadTxnOutcome = Extract<ReadTxnReply, { kind: "txn" }> | Rejected | RouteFailure;
export type QueryOutcome = Extract<QueryReply, { kind: "answer" }> | Rejected | RouteFailure;
export type ReadOutcome = Extract<RangeReply, { kind: "range" }> | Rejected | RouteFailure;
export type WatchOutcome = Extract<WatchReply, { kind: "watched" }> | RouteFailure;

/** What a caller of the router may choose. */
export interface RouteChoice {
  readonly cluster: string;
  /** Ask only this member (it still forwards a write to the leader). */
  readonly pin: string | null;
  /** Instead of the router's own budget. */
  readonly budgetMs?: number;
  /** Who asks: the digest of a token. */
  readonly token?: string | null;
  /** Where there is a choice: the member to ask first, and the one to ask last. */
  readonly prefer?: string | null;
  readonly avoid?: string | null;
}

const NOBODY_ASKED: Unavailable = {
  kind: "unavailable",
  reason: "timeout",
  message: "the time was used up before a replica could be asked",
  unknownOutcome: false,
  header: null,
};

/** What to tell of two refusals: the newer one, but words of a replica rather than its silence. */
function better(before: Unavailable, now: Unavailable): Unavailable {
  return now.header === null && before.header !== null ? before : now;
}

function failure(last: Unavailable, outcome: RouteFailure["outcome"]): RouteFailure {
  return { kind: "failed", outcome, reason: last.reason, message: last.message, header: last.header };
}

function isUnavailable(reply: { readonly kind: string }): reply is Unavailable {
  return reply.kind === "unavailable";
}

/** A cluster that never had a leader has not begun: as in etcd, not even old state is told of it. */
function isUnborn({ header }: { readonly header: ReplicaHeader | null }): boolean {
  return header?.term === 0;
}

/** Of a cluster that has begun, and from before what was told of it. */
function isOlder({ term, revision }: ReplicaHeader, told: number): boolean {
  return term !== 0 && revision < told;
}

/** Whom to ask next, if nothing has to be awaited for that; else null. */
function atOnce(view: ClusterView, plan: RoutePlan): string | null {
  return view.isBehind ? null : plan.atOnce();
}

/** A replica that has stopped stays stopped for as long as a request lives; nobody else may be asked. */
function isFinal(choice: RouteChoice, reply: Unavailable): boolean {
  return choice.pin !== null && reply.reason === "stopped" && !reply.unknownOutcome;
}

export class LeaderRouter {
  readonly #replicas: ReplicaDirectory;
  readonly #clock: Clock;
  readonly #entropy: Entropy;
  readonly #options: RouterOptions;
  readonly #views: Map<string, ClusterView>;

  constructor(
    replicas: ReplicaDirectory,
    clock: Clock,
    entropy: Entropy,
    options: RouterOptions,
    views = new Map<string, ClusterView>(),
  ) {
    this.#replicas = replicas;
    this.#clock = clock;
    this.#entropy = entropy;
    this.#options = options;
    this.#views = views;
  }

  /** A router that knows and learns the same, and reaches replicas in another way. */
  over(replicas: ReplicaDirectory): LeaderRouter {
    return new LeaderRouter(replicas, this.#clock, this.#entropy, this.#options, this.#views);
  }

  /** Time for a request whose caller chooses none. */
  get budgetMs(): number {
    return this.#options.budgetMs;
  }

  /** The highest revision of a cluster that any answer has told so far; 0 before the first one. */
  knownRevision(cluster: string): number {
    return this.#view(cluster).revision;
  }

  /** Proposes a write and waits until it is applied, refused, or the budget is used up. */
  async propose(choice: RouteChoice, write: WriteRequest): Promise<WriteOutcome> {
    const view = this.#view(choice.cluster);
    const plan = this.#plan(choice, view, true, null);
    if (view.sequence === null) {
      const failed = await this.#learnSequence(choice, view, plan);
      if (failed !== null) return failed;
    }
    const seen = commandSeen(view.sequence ?? 0);
    let command = write.encode(write.operationId(), seen);
    let last = NOBODY_ASKED;
    let unknown = false;
    let attempts = 0;
    let overloads = 0;
    let remints = 0;
    for (;;) {
      const member = atOnce(view, plan) ?? (await this.#next(choice, view, plan));
      if (member === null) break;
      const reply = await this.#replica(choice.cluster, view, member).propose({
        command,
        mayForward: true,
        timeoutMs: Math.max(1, plan.attemptMs()),
        throughLog: unknown || write.mayRepeat === true,
        token: choice.token ?? null,
      });
      this.#note(view, member, reply);
      // These say nothing of an earlier attempt, which may be on its way.
      if (unknown && reply.kind === "rejected" && SAY_NOTHING.has(reply.error)) break;
      if (reply.kind !== "unavailable") return reply;
      plan.refresh();
      last = reply.reason === "superseded" ? reply : better(last, reply);
      if (isFinal(choice, reply)) break;
      if (reply.reason === "superseded") {
        // Refused itself; only an earlier attempt could have been applied and forgotten since, and a
        // call that was refused may have been run a second time by the platform.
        unknown ||= attempts > 0;
        if (unknown || reply.header === null || remints >= REMINTS_MAX) break;
        remints += 1;
        command = write.encode(write.operationId(), commandSeen(view.sequence ?? 0));
        plan.again(member);
        continue;
      }
      attempts += 1;
      unknown ||= reply.unknownOutcome;
      if (reply.reason === "overloaded") {
        overloads += 1;
        if (overloads >= OVERLOADS_MAX) break;
        await plan.pause();
      }
    }
    return failure(last, unknown ? "unknown" : "not-applied");
  }

  /** Reads from any replica that can serve. */
  range(choice: RouteChoice, call: Timeless<RangeCall>): Promise<ReadOutcome> {
    return this.#readNewEnough(choice, call, RANGE);
  }

  /** A transaction that only reads, from any replica that can serve. */
  readTxn(choice: RouteChoice, call: Timeless<ReadCall>): Promise<ReadTxnOutcome> {
    return this.#readNewEnough(choice, call, READ_TXN);
  }

  /** A read of what is not a key: an encoded `edged.Query`. The leader is asked where only it can answer. */
  query(choice: RouteChoice, call: Timeless<ReadCall>): Promise<QueryOutcome> {
    return this.#readNewEnough(choice, call, QUERY);
  }

  /** Changes of watched ranges, from any replica that can serve. */
  watch(choice: RouteChoice, call: Timeless<WatchCall>): Promise<WatchOutcome> {
    const budgetMs = (choice.budgetMs ?? this.budgetMs) + call.waitMs;
    return this.#read({ ...choice, budgetMs }, call, WATCH);
  }

  /**
   * A serializable read may be old, and so may one of bounded staleness, but not older than what this
   * isolate has told already, if any replica can help that in a moment: whoever has just written expects
   * to read it, as from a member of etcd.
   */
  async #readNewEnough<
    Call extends Timeless<ReadCall>,
    T extends Exclude<RangeReply | ReadTxnReply | QueryReply, Unavailable>,
  >(choice: RouteChoice, call: Call, method: ReadMethod<Call, T>): Promise<T | RouteFailure> {
    const told = this.knownRevision(choice.cluster);
    let reply = await this.#read(choice, call, method);
    const isSerializable = call.consistency === "serializable";
    if (!isSerializable && call.maxStalenessMs === undefined) return reply;
    if (choice.pin === null && reply.kind !== "failed" && isOlder(reply.header, told)) {
      const soon = { ...choice, budgetMs: CATCH_UP_MS };
      const newer = await this.#read(soon, { ...call, minRevision: told }, method);
      if (newer.kind !== "failed") reply = newer;
    }
    if (!isSerializable || !method.readsKeys || !isUnborn(reply)) return reply;
    return this.#read(choice, { ...call, consistency: "linearizable" }, method);
  }

  async #read<
    Call extends Timeless<ReadCall> | Timeless<WatchCall>,
    T extends Exclude<RangeReply | ReadTxnReply | QueryReply | WatchReply, Unavailable>,
  >(choice: RouteChoice, call: Call, method: ReadMethod<Call, T>): Promise<T | RouteFailure> {
    const view = this.#view(choice.cluster);
    const distances = method.distances(view, call);
    const plan = this.#plan(choice, view, call.consistency === "leader", distances);
    const token = choice.token ?? null;
    let last = NOBODY_ASKED;
    let overloads = 0;
    for (;;) {
      const member = atOnce(view, plan) ?? (await this.#next(choice, view, plan));
      if (member === null) break;
      const timeoutMs = Math.max(1, plan.attemptMs());
      const askedAtMs = plan.nowMs;
      distances?.asked(member);
      const reply = await method.ask(this.#replica(choice.cluster, view, member), call, timeoutMs, token);
      this.#note(view, member, reply);
      if (!isUnavailable(reply)) {
        distances?.answered(member, this.#clock.nowMs() - askedAtMs);
        return reply;
      }
      plan.refresh();
      distances?.failed(member);
      last = better(last, reply);
      if (isFinal(choice, reply)) break;
      if (reply.reason === "overloaded") {
        overloads += 1;
        if (overloads >= OVERLOADS_MAX) break;
        await plan.pause();
      }
    }
    return failure(last, "not-applied");
  }

  /** Asks every member at once how it stands; once more if that tells that the members are others. */
  async statuses(cluster: string): Promise<GroupStatuses> {
    const view = this.#view(cluster);
    const before = view.members;
    const asked = await this.#askAll(cluster, view, STATUS_MS);
    return view.members === before ? asked : this.#askAll(cluster, view, STATUS_MS);
  }

  async #askAll(cluster: string, view: ClusterView, timeoutMs: number): Promise<GroupStatuses> {
    const members = this.members(cluster);
    const replies = await Promise.all(
      members.map(async ({ name }) => {
        const reply = await this.#replica(cluster, view, name).status(timeoutMs);
        this.#note(view, name, reply);
        return reply;
      }),
    );
    return { members, replies };
  }

  /** The members as far as this isolate knows: the first ones until it hears of others. */
  members(cluster: string): readonly RouterMember[] {
    const { members } = this.#view(cluster);
    return members ?? this.#options.members.map((name) => ({ name, hint: null }));
  }

  /**
   * How many writes were applied, as far as this isolate knows. It must be known before the first
   * attempt: a number taken from a later answer would let an already applied attempt be forgotten.
   */
  async #learnSequence(
    choice: RouteChoice,
    view: ClusterView,
    plan: RoutePlan,
  ): Promise<RouteFailure | null> {
    let last = NOBODY_ASKED;
    while (view.sequence === null) {
      const member = atOnce(view, plan) ?? (await this.#next(choice, view, plan));
      if (member === null) return failure(last, "not-applied");
      const reply = await this.#replica(choice.cluster, view, member).status(
        Math.max(1, Math.min(STATUS_MS, plan.attemptMs())),
      );
      this.#note(view, member, reply);
      plan.refresh();
      if (reply.kind === "unavailable") last = reply;
      else plan.again(member);
    }
    return null;
  }

  /** Whom to ask next; the members are looked up first when they have changed. */
  async #next(choice: RouteChoice, view: ClusterView, plan: RoutePlan): Promise<string | null> {
    if (view.shouldFollow(plan.nowMs)) {
      await this.#askAll(choice.cluster, view, FOLLOW_MS);
      plan.refresh();
    }
    return plan.next();
  }

  #replica(cluster: string, view: ClusterView, member: string): ReplicaClient {
    return this.#replicas(
      cluster,
      member,
      view.members?.find(({ name }) => name === member),
    );
  }

  #note(
    view: ClusterView,
    member: string,
    reply: ProposeReply | RangeReply | ReadTxnReply | QueryReply | WatchReply | StatusReply,
  ): void {
    if (reply.header !== null) view.learn(reply.header);
    else view.suspect(member, this.#clock.nowMs());
    if (reply.kind === "status" && reply.header.successors === undefined) {
      view.learnMembers(reply.header.membership, reply.members);
    }
    if (reply.kind !== "unavailable") return;
    switch (reply.reason) {
      case "not-leader":
      case "stopped":
        view.forgetLeader(member);
        return;
      case "no-leader":
      case "timeout":
      case "overloaded":
      case "superseded":
        return;
      default:
        assertNever(reply.reason, "reason");
    }
  }

  #plan(
    choice: RouteChoice,
    view: ClusterView,
    leaderFirst: boolean,
    distances: Distances | null,
  ): RoutePlan {
    const { attemptMs, members: founders } = this.#options;
    const { pin, budgetMs = this.#options.budgetMs, prefer = null, avoid = null } = choice;
    return new RoutePlan(
      { founders, pin, leaderFirst, distances, budgetMs, attemptMs, prefer, avoid },
      view,
      this.#clock,
      this.#entropy,
    );
  }

  #view(cluster: string): ClusterView {
    const known = this.#views.get(cluster);
    if (known !== undefined) return known;
    const oldest = this.#views.keys().next();
    if (this.#views.size >= VIEWS_MAX && oldest.done === false) this.#views.delete(oldest.value);
    const view = new ClusterView();
    this.#views.set(cluster, view);
    return view;
  }
}

/**
 * A replica takes 0 for "not known" and puts its own count there, a different one at each attempt.
 * In a cluster without writes 1 says the same as 0 and stays.
 */
function commandSeen(sequence: number): number {
  return Math.max(1, sequence);
}
