/** What one run is made of: drawn from its seed, class by class, so that seeds differ in character. */
import type { Prng } from "../../src/base/prng.ts";
import { longLife } from "./long-life.ts";
import { stream } from "./world/streams.ts";

/** Every kind of fault, each with its own probability in a run; 0: the run has none of it. */
export const FAULT_KINDS = [
  "drop", // a call never arrives
  "drop-reply", // a call is handled and its answer lost
  "fail-fast", // a call that cannot be made fails at once instead of in silence
  "duplicate", // a call is handled twice
  "late", // a call times out and is handled afterwards
  "reorder", // a call takes another way and is overtaken
  "partition", // groups of objects cannot reach each other
  "partition-one-way", // in one direction only
  "isolate", // single links are cut, in any directed pattern
  "clog", // calls to an object pile up and arrive together
  "crash", // memory and whatever is not durable are gone
  "kill", // the same, and the object stays away for a while
  "evict", // memory is gone, nothing else
  "supersede", // the platform starts a second instance while the first still runs
  "pause", // an object does nothing for a while, then everything at once
  "slow-commit", // a transaction takes long to become durable
  "commit-failure", // a transaction fails and the object is reset
  "wipe", // an object loses its database
  "clock-skew", // a clock that is off
  "clock-jump", // a clock that jumps
  "alarm-late",
  "alarm-early",
  "alarm-twice",
  "gateway-restart", // a gateway forgets leader and count
  "client-cancel", // a client stops waiting
  "isolate-leader", // a leader is cut off from the others, and goes on taking requests
  "alarm-dropped", // the platform gives an alarm up whose handler did not complete
  "lose-changer", // a leader goes down before the configuration follows what is on record of the members
] as const;

export type FaultKind = (typeof FAULT_KINDS)[number];

/** What goes wrong in a run in which a majority must not notice; see faults/mild.ts. */
export const MILD_KINDS = [
  "cut-link", // the leader and one other cannot reach each other, though a third reaches both
  "one-away", // one that does not lead reaches nobody
  "flapping", // the same, on and off
  "deaf-leader", // what is sent to the leader is lost
  "cut-asleep", // as "cut-link", from a moment when everybody sleeps, for a while
] as const;

export type Mild = (typeof MILD_KINDS)[number];

export interface RunOptions {
  readonly seed: number;
  readonly replicas: number;
  /** Time with faults; healing follows. */
  readonly durationMs: number;
  readonly clients: number;
  /** Operations clients begin at most, all together. */
  readonly operationsMax: number;
  /** Mean pause of a client between two operations. */
  readonly thinkMs: number;
  readonly keys: number;
  /** Share of writes that their clients repeat by themselves, with a key, while nobody knows what became of them. */
  readonly repeats: number;
  /** Share of operations that insist on one replica. */
  readonly pinned: number;
  /** Share of linearizable reads that say how old their answer may be. */
  readonly bounded: number;
  /** Clients that watch. */
  readonly watchers: number;
  /** How much more often than usual clients compact. */
  readonly compactions: number;
  /** A gateway's time for one attempt; for all of them it has `attempts` times that. */
  readonly attemptMs: number;
  readonly attempts: number;
  readonly heartbeatMs: number;
  readonly electionMs: number;
  readonly snapshotEvery: number;
  /** Idle time after which the group falls asleep; 0: never. */
  readonly quiesceMs: number;
  readonly memoryTimers: boolean;
  readonly latencyMs: number;
  readonly tailMs: number;
  readonly commitMs: number;
  /** Mean time between two changes of members; 0: they stay. */
  readonly memberMs: number;
  /** Mean time between two acts of the nemesis. */
  readonly nemesisMs: number;
  readonly faults: Readonly<Record<FaultKind, number>>;
  readonly upkeep: Upkeep;
  /** Null: the nemesis and `faults` rule. */
  readonly mild: Mild | null;
  /** Users are asked for now and then. */
  readonly users: boolean;
  /** A backup is restored before anything else. */
  readonly restores: boolean;
  /** Clients know leases. */
  readonly leases: boolean;
  /** What arrives together at a gateway reaches a replica as one call. */
  readonly gathers: boolean;
  /** Overrides of src/base/limits.ts by name. */
  readonly limits: Readonly<Record<string, number>>;
}

/** What operators and the leader do for the group besides its clients' requests. */
export interface Upkeep {
  /** How often clients hash, move leadership, and handle alarms; 0 for never. */
  readonly hashes: number;
  readonly moves: number;
  readonly alarms: number;
  /** Stored versions of keys above which a database is full; null for no bound. */
  readonly quotaVersions: number | null;
  /** Age of what automatic compaction takes; null for none. */
  readonly compactAfterMs: number | null;
}

/** What a caller may fix; the rest is drawn. */
export type FixedOptions = Partial<Omit<RunOptions, "seed">>;

/** Highest probabilities (per call, per transaction) and weights (nemesis) of a run that has the kind at all. */
const CEILINGS: Readonly<Record<FaultKind, number>> = {
  drop: 0.15,
  "drop-reply": 0.1,
  "fail-fast": 0.5,
  duplicate: 0.1,
  late: 0.03,
  reorder: 0.2,
  partition: 3,
  "partition-one-way": 2,
  isolate: 2,
  clog: 2,
  crash: 4,
  kill: 3,
  evict: 3,
  supersede: 3,
  pause: 2,
  "slow-commit": 0.01,
  "commit-failure": 0.02,
  wipe: 1,
  "clock-skew": 1,
  "clock-jump": 1,
  "alarm-late": 0.1,
  "alarm-early": 0.1,
  "alarm-twice": 0.1,
  "gateway-restart": 0.5,
  "client-cancel": 0.03,
  "isolate-leader": 4,
  "alarm-dropped": 1,
  "lose-changer": 2,
};

const DURATIONS_MS = [8_000, 15_000, 30_000];

export function drawOptions(seed: number, fixed: FixedOptions): RunOptions {
  const random = stream(seed, "options");
  const heartbeatMs = random.pick([50, 100, 250]);
  const electionMs = heartbeatMs * random.pick([4, 6, 10]);
  // Only a crowd fills batches, windows and queues.
  const crowded = random.chance(0.1);
  const short: RunOptions = {
    seed,
    replicas: random.pick([1, 2, 3, 3, 3, 4, 5, 5]),
    durationMs: random.pick(DURATIONS_MS),
    clients: crowded ? 40 + random.below(60) : 1 + random.below(6),
    operationsMax: crowded ? 1_500 : 5_000,
    thinkMs: random.pick([20, 100, 300]),
    keys: random.chance(0.15) ? 60 : 1 + random.below(8),
    pinned: random.pick([0, 0, 0.3, 0.9]),
    compactions: random.pick([1, 1, 1, 8]),
    repeats: stream(seed, "repeat-options").pick([0, 0, 0.3, 0.9]),
    bounded: stream(seed, "bounded-options").pick([0, 0.2, 0.8]),
    watchers: stream(seed, "watchers").pick([0, 0, 1, 2, 4]),
    // Impatient clients are told outcomes while nobody knows them yet.
    attemptMs: Math.ceil(electionMs * random.pick([0.5, 1, 3, 3])),
    attempts: random.pick([1, 2, 3, 3]),
    heartbeatMs,
    electionMs,
    snapshotEvery: random.pick([3, 10, 30, 50, 1_000]),
    quiesceMs: stream(seed, "quiesce-options").pick([0, 1, 200, 1_000, 5_000]),
    memoryTimers: random.chance(0.8),
    latencyMs: random.pick([1, 5, 20]),
    tailMs: random.pick([0, 200, 3_000]),
    commitMs: random.pick([1, 5, 15]),
    nemesisMs: random.pick([300, 1_000, 4_000]),
    memberMs: drawMemberMs(stream(seed, "member-options")),
    faults: drawFaults(stream(seed, "fault-options")),
    mild: null,
    users: stream(seed, "user-options").chance(0.12),
    restores: stream(seed, "restore-options").chance(0.08),
    leases: stream(seed, "lease-options").chance(0.4),
    gathers: stream(seed, "gathering-options").chance(0.4),
    limits: drawLimits(stream(seed, "limit-options")),
    upkeep: drawUpkeep(stream(seed, "upkeep-options")),
  };
  const isLong = fixed.durationMs !== undefined && fixed.durationMs > Math.max(...DURATIONS_MS);
  const drawn = isLong ? { ...short, ...longLife(stream(seed, "long-life"), short, crowded) } : short;
  // One command an entry: a crowd then keeps many entries on their way at once.
  const limits = crowded && random.chance(0.5) ? { ...drawn.limits, batchCommandsMax: 1 } : drawn.limits;
  // Only who has nothing but alarms has many of them to lose.
  const loses = drawn.faults["alarm-dropped"] > 0 && random.chance(0.7);
  const guarded = (fixed.users ?? drawn.users) ? withUsers(drawn, stream(seed, "guarded-options")) : {};
  const usual = { ...drawn, limits, memoryTimers: drawn.memoryTimers && !loses, ...guarded, ...fixed };
  const mild = fixed.mild ?? (fixed.faults === undefined ? drawMild(stream(seed, "mild")) : null);
  // Two are no majority without each other.
  const tooFew = fixed.replicas !== undefined && fixed.replicas < 3;
  if (mild === null || tooFew) return usual;
  const unhurried = isLong ? { thinkMs: drawn.thinkMs } : {};
  return { ...usual, ...calm(seed, mild, { ...unhurried, ...fixed }), mild };
}

/** Root and two others. Some runs have nothing else: who may do what is enough to get wrong. */
function withUsers(drawn: RunOptions, random: Prng): Partial<RunOptions> {
  const some = { clients: Math.max(3, drawn.clients), keys: Math.max(4, drawn.keys) };
  if (random.chance(0.3)) return { ...some, watchers: 0, leases: false, upkeep: NO_UPKEEP, memberMs: 0 };
  return { ...some, watchers: random.below(4), leases: random.chance(0.6) };
}

function drawMemberMs(random: Prng): number {
  return random.chance(0.15) ? random.pick([300, 1_000, 3_000]) : 0;
}

/** Clients that only read and write. */
export const NO_UPKEEP: Upkeep = {
  hashes: 0,
  moves: 0,
  alarms: 0,
  quotaVersions: null,
  compactAfterMs: null,
};

function drawUpkeep(random: Prng): Upkeep {
  const has = random.chance(0.4);
  const some = (share: number): number => (has && random.chance(share) ? 1 : 0);
  const quotaVersions = has && random.chance(0.3) ? random.pick([10, 30, 80]) : null;
  return {
    hashes: some(0.7),
    moves: some(0.5),
    // Somebody must end what a full database begins.
    alarms: quotaVersions === null ? some(0.5) : 1,
    quotaVersions,
    compactAfterMs: has && random.chance(0.5) ? random.pick([300, 1_000, 3_000]) : null,
  };
}

function drawMild(random: Prng): Mild | null {
  return random.chance(0.06) ? random.pick(MILD_KINDS) : null;
}

/** An undisturbed majority: quick elections, near replicas, few and slow clients that ask anybody. */
function calm(seed: number, mild: Mild, fixed: FixedOptions): Partial<RunOptions> {
  const random = stream(seed, "calm");
  const electionMs = random.pick([200, 400]);
  return {
    replicas: random.pick([3, 3, 5]),
    clients: 1 + random.below(3),
    thinkMs: random.pick([20, 150, 300]),
    pinned: 0,
    attemptMs: 2 * electionMs,
    attempts: 2,
    heartbeatMs: 50,
    electionMs,
    memoryTimers: true,
    latencyMs: random.pick([1, 5]),
    tailMs: 0,
    commitMs: random.pick([1, 5]),
    faults: { ...NO_FAULTS, "fail-fast": mild === "cut-asleep" ? 0.8 : 0 },
    upkeep: NO_UPKEEP,
    memberMs: 0,
    users: false,
    restores: false,
    ...(mild === "cut-asleep" ? SELDOM_ASKED : {}),
    ...fixed,
  };
}

/** So little is asked for that the group sleeps in between; then of anybody, who finds out soon whom it cannot reach. */
const SELDOM_ASKED: Partial<RunOptions> = {
  clients: 2,
  thinkMs: 700,
  pinned: 0.9,
  quiesceMs: 100,
  watchers: 0,
  leases: false,
};

// Every kind is a key.
const NO_FAULTS = Object.fromEntries(FAULT_KINDS.map((kind) => [kind, 0])) as Record<FaultKind, number>;

/** Kinds that belong together. A run of one theme alone gets further into it than a run of everything. */
const THEMES: readonly (readonly FaultKind[])[] = [
  ["drop", "drop-reply", "fail-fast", "duplicate", "late", "reorder"],
  ["partition", "partition-one-way", "isolate", "isolate-leader", "clog"],
  ["crash", "kill", "evict", "slow-commit", "commit-failure"],
  ["supersede", "evict", "pause", "gateway-restart", "client-cancel"],
  [
    "clock-skew",
    "clock-jump",
    "alarm-late",
    "alarm-early",
    "alarm-twice",
    "alarm-dropped",
    "crash",
    "commit-failure",
    "evict",
  ],
  ["wipe", "kill", "partition"],
];

function drawFaults(random: Prng): Record<FaultKind, number> {
  const themes = random.chance(0.5) ? [random.pick(THEMES), random.pick(THEMES)].flat() : FAULT_KINDS;
  // Some runs are calm, so that what only a working cluster reaches is reached too.
  const share = themes === FAULT_KINDS ? random.pick([0.1, 0.4, 0.7, 0.9]) : 0.9;
  const faults = { ...CEILINGS };
  for (const kind of FAULT_KINDS) {
    const has = random.chance(share) && themes.includes(kind);
    const strength = random.fraction() ** 2;
    faults[kind] = has ? CEILINGS[kind] * strength : 0;
  }
  return faults;
}

/** Tiny limits reach the edges of everything that is bounded. */
function drawLimits(random: Prng): Record<string, number> {
  const limits: Record<string, number> = {};
  const maybe = (name: string, values: readonly number[]): void => {
    const value = random.pick(values);
    if (random.chance(0.4)) limits[name] = value;
  };
  maybe("snapshotChunkBytesMax", [100, 300, 2_000]);
  maybe("inflightMessagesMax", [1, 2, 5]);
  maybe("inflightBytesMax", [1, 200, 2_000]);
  maybe("appendBytesMax", [1, 150, 1_000]);
  maybe("applyEntriesPerTurnMax", [1, 2, 7]);
  maybe("applyBytesPerTurnMax", [1, 300]);
  maybe("batchCommandsMax", [1, 2, 5]);
  maybe("batchBytesTarget", [1, 200]);
  maybe("logCacheBytesMax", [0, 300, 3_000]);
  maybe("uncommittedBytesMax", [1, 500, 5_000]);
  maybe("proposalsQueuedMax", [2, 10]);
  maybe("readsWaitingMax", [1, 5]);
  maybe("snapshotSessionsMax", [1, 2]);
  maybe("dedupOperationsMax", [40, 200]);
  maybe("dedupAnswerBytesMax", [20, 100]);
  maybe("pipelineCommandsMin", [1, 3]);
  maybe("watchersWaitingMax", [1, 3]);
  maybe("watchScanRowsMax", [1, 5, 40]);
  maybe("watchNotifyRowsMax", [1, 5]);
  maybe("watchNotifyBytesMax", [1, 300]);
  maybe("watchBytesMax", [1, 200, 1_000]);
  maybe("watchRevisionBytesMax", [1, 400]);
  maybe("manyCallsMax", [2, 5]);
  maybe("manyRequestBytesMax", [1, 300]);
  maybe("manyAnswersBytesMax", [1, 100]);
  maybe("logRowBytesMax", [1, 300, 1_000]);
  maybe("logRowEntriesMax", [1, 2, 5]);
  maybe("dedupRecentBytesMax", [0, 60, 300]);
  return limits;
}
