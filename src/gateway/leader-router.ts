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
function isUnborn({ header }: ReadOutcome | ReadTxnOutcome): boolean {
  return header?.term === 0;
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
    const seen = await this.#learnSequence(choice, view, plan);
    if (seen.kind === "failed") return seen;
    let command = write.encode(write.operationId(), seen.sequence);
    let last = NOBODY_ASKED;
    let unknown = false;
    let attempts = 0;
    let overloads = 0;
    let remints = 0;
    for (
      let member = await this.#next(choice, view, plan);
      member !== null;
      member = await this.#next(choice, view, plan)
    ) {
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
  async range(choice: RouteChoice, call: Omit<RangeCall, "timeoutMs">): Promise<ReadOutcome> {
    return this.#readOwnWrites(choice, call, (choice, call) =>
      this.#read(choice, whomToAsk(call), (replica, timeoutMs) =>
        replica.range({ ...call, token: choice.token ?? null, timeoutMs }),
      ),
    );
  }

  /** A transaction that only reads, from any replica that can serve. */
  async readTxn(choice: RouteChoice, call: Omit<ReadCall, "timeoutMs">): Promise<ReadTxnOutcome> {
    return this.#readOwnWrites(choice, call, (choice, call) =>
      this.#read(choice, whomToAsk(call), (replica, timeoutMs) =>
        replica.readTxn({ ...call, token: choice.token ?? null, timeoutMs }),
      ),
    );
  }

  /** Of state that had a leader, and no older than what was told. */
  async #readOwnWrites<Call extends Omit<ReadCall, "timeoutMs">, T extends ReadOutcome | ReadTxnOutcome>(
    choice: RouteChoice,
    call: Call,
    ask: (choice: RouteChoice, call: Call) => Promise<T>,
  ): Promise<T> {
    const reply = await this.#noOlderThanTold(choice, call, ask);
    if (call.consistency !== "serializable" || !isUnborn(reply)) return reply;
    return ask(choice, { ...call, consistency: "linearizable" });
  }

  /**
   * A serializable read may be old, and so may one of bounded staleness, but not older than what this
   * isolate has told already, if any replica can help that in a moment: whoever has just written expects
   * to read it, as from a member of etcd.
   */
  async #noOlderThanTold<
    Call extends Omit<ReadCall, "timeoutMs">,
    T extends ReadOutcome | ReadTxnOutcome | QueryOutcome,
  >(choice: RouteChoice, call: Call, ask: (choice: RouteChoice, call: Call) => Promise<T>): Promise<T> {
    const told = this.knownRevision(choice.cluster);
    const reply = await ask(choice, call);
    const mayBeOld = call.consistency === "serializable" || call.maxStalenessMs !== undefined;
    if (!mayBeOld || choice.pin !== null || reply.kind === "failed") return reply;
    if (reply.header.term === 0 || reply.header.revision >= told) return reply;
    const newer = await ask({ ...choice, budgetMs: CATCH_UP_MS }, { ...call, minRevision: told });
    return newer.kind === "failed" ? reply : newer;
  }

  /** A read of what is not a key: an encoded `edged.Query`. The leader is asked where only it can answer. */
  query(choice: RouteChoice, call: Omit<ReadCall, "timeoutMs">): Promise<QueryOutcome> {
    return this.#noOlderThanTold(choice, call, (choice, call) =>
      this.#read(choice, call.consistency, (replica, timeoutMs) =>
        replica.query({ ...call, token: choice.token ?? null, timeoutMs }),
      ),
    );
  }

  /** Changes of watched ranges, from any replica that can serve. */
  watch(choice: RouteChoice, call: Omit<WatchCall, "timeoutMs">): Promise<WatchOutcome> {
    const budgetMs = (choice.budgetMs ?? this.budgetMs) + call.waitMs;
    return this.#read({ ...choice, budgetMs }, "anybody", (replica, timeoutMs) =>
      replica.watch({ ...call, token: choice.token ?? null, timeoutMs }),
    );
  }

  async #read<T extends Exclude<RangeReply | ReadTxnReply | QueryReply | WatchReply, Unavailable>>(
    choice: RouteChoice,
    whom: ReadCall["consistency"] | "bounded" | "anybody",
    ask: (replica: ReplicaClient, timeoutMs: number) => Promise<T | Unavailable>,
  ): Promise<T | RouteFailure> {
    const view = this.#view(choice.cluster);
    const distances = whom === "leader" || whom === "anybody" ? null : view.distances[whom];
    const plan = this.#plan(choice, view, whom === "leader", distances);
    let last = NOBODY_ASKED;
    let overloads = 0;
    for (
      let member = await this.#next(choice, view, plan);
      member !== null;
      member = await this.#next(choice, view, plan)
    ) {
      const timeoutMs = Math.max(1, plan.attemptMs());
      const askedAtMs = this.#clock.nowMs();
      distances?.asked(member);
      const reply = await ask(this.#replica(choice.cluster, view, member), timeoutMs);
      this.#note(view, member, reply);
      if (!isUnavailable(reply)) {
        distances?.answered(member, this.#clock.nowMs() - askedAtMs);
        return reply;
      }
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
  ): Promise<{ readonly kind: "seen"; readonly sequence: number } | RouteFailure> {
    let last = NOBODY_ASKED;
    while (view.sequence === null) {
      const member = await this.#next(choice, view, plan);
      if (member === null) return failure(last, "not-applied");
      const reply = await this.#replica(choice.cluster, view, member).status(
        Math.max(1, Math.min(STATUS_MS, plan.attemptMs())),
      );
      this.#note(view, member, reply);
      if (reply.kind === "unavailable") last = reply;
      else plan.again(member);
    }
    return { kind: "seen", sequence: commandSeen(view.sequence) };
  }

  /** Whom to ask next; the members are looked up first when they have changed. */
  async #next(choice: RouteChoice, view: ClusterView, plan: RoutePlan): Promise<string | null> {
    if (view.shouldFollow(this.#clock.nowMs())) await this.#askAll(choice.cluster, view, FOLLOW_MS);
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
    const { attemptMs } = this.#options;
    const members = (): readonly string[] => view.serving ?? this.#options.members;
    const { pin, budgetMs = this.#options.budgetMs, prefer = null, avoid = null } = choice;
    return new RoutePlan(
      { members, pin, leaderFirst, distances, budgetMs, attemptMs, prefer, avoid },
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

function whomToAsk({
  consistency,
  maxStalenessMs,
}: Omit<ReadCall, "timeoutMs">): ReadCall["consistency"] | "bounded" {
  return consistency === "linearizable" && maxStalenessMs !== undefined ? "bounded" : consistency;
}

/**
 * A replica takes 0 for "not known" and puts its own count there, a different one at each attempt.
 * In a cluster without writes 1 says the same as 0 and stays.
 */
function commandSeen(sequence: number): number {
  return Math.max(1, sequence);
}
