/**
 * Kinds of lives. Most bugs show only under few kinds of misfortune; a life full of those, and of
 * nothing else, finds them in a fraction of the time. What happens when is still drawn from the seed.
 */
import {
  FAULT_KINDS,
  type FaultKind,
  type FixedOptions,
  MILD_KINDS,
  NO_UPKEEP,
} from "../../../test/sim/options.ts";

export type Climate =
  | "any" // as the simulator draws it
  | "split" // the network falls apart, clocks differ
  | "delays" // messages are lost, repeated and overtaken
  | "crashes" // memory and pending writes are lost
  | "snapshots" // followers fall behind a short log
  | "alarms" // no timers in memory
  | "clocks" // wall clocks jump
  | "wipe" // a replica loses its database
  | "outages" // two replicas, of which one is often away for longer than clients wait
  | "tight" // small caps, and quorums that are gone
  | "deposed" // leaders are cut off with writes on their way, and clients wait for them
  | "overtaken" // the same, and they come back so late that they pull a snapshot
  | "returns" // one replica comes and goes while it pulls snapshots, under a leader that stays
  | "sessions" // long pulls of snapshots, and whoever takes part is gone for a while
  | "sleepers" // an idle group falls asleep, and loses its memory as it is woken
  | "watched" // many watch, through answers of all sizes, compactions and snapshots
  | "leases" // leases end while their leaders come and go
  | "promises" // leases are renewed with leaders that are cut off and notice nothing
  | "behind" // who has a leader, and watchers, falls far behind it for a moment
  | "users" // users are asked for, and who may do what changes all the time
  | "guarded" // the same, with watchers, leases and members that come and go
  | "restored" // a backup is restored first, while replicas lag
  | "undisturbed" // a backup is restored, often at once, and nothing goes wrong: whoever leads goes on
  | "trickling" // a backup takes long to be restored, and nobody leads for long meanwhile
  | "members" // members come and go
  | "successors" // leaders go while members change, and the next ones are slow to apply what they have
  | "forgetful" // answers are lost, and operations are soon forgotten
  | "repeated" // clients ask again under their keys, and alarms come and go
  | "bounded" // reads say how old they may be, the network is slow and clocks jump
  | "lagging" // the same, and what is to be applied comes late
  | "alone" // one voter, whose object is superseded, with a learner now and then
  | "mild"; // a majority must not notice what goes wrong

const SHORT: FixedOptions = {
  durationMs: 12_000,
  heartbeatMs: 100,
  electionMs: 400,
  thinkMs: 20,
  clients: 5,
  keys: 2,
  snapshotEvery: 1_000,
  memoryTimers: true,
  latencyMs: 5,
  tailMs: 0,
  commitMs: 5,
  nemesisMs: 400,
  limits: {},
  upkeep: NO_UPKEEP,
  quiesceMs: 0,
  bounded: 0,
  watchers: 0,
  users: false,
  leases: false,
  memberMs: 0,
  repeats: 0,
  restores: false,
};

/** So many clients wait at once that several entries are on their way, not one batch after the other. */
const CROWD: FixedOptions = {
  ...SHORT,
  durationMs: 6_000,
  clients: 40,
  limits: { batchCommandsMax: 1 },
};

const CLIMATES: Readonly<Record<Exclude<Climate, "any" | "mild">, FixedOptions>> = {
  split: {
    ...CROWD,
    // Slow heartbeats: an old leader notices late that it is one.
    heartbeatMs: 100,
    electionMs: 200,
    // Rare enough that one is over before the next: mending mends everything.
    nemesisMs: 700,
    durationMs: 8_000,
    latencyMs: 20,
    limits: { batchCommandsMax: 1, appendBytesMax: 150 },
    faults: only({
      partition: 2,
      "partition-one-way": 1,
      isolate: 1,
      "clock-skew": 1,
      "fail-fast": 0.3,
      kill: 0.5,
      late: 0.02,
    }),
  },
  delays: {
    ...CROWD,
    limits: { batchCommandsMax: 1, appendBytesMax: 150 },
    faults: only({ drop: 0.05, duplicate: 0.15, late: 0.05, reorder: 0.3, clog: 1, kill: 0.5, pause: 0.5 }),
  },
  crashes: {
    ...CROWD,
    faults: only({ crash: 3, evict: 1, kill: 1, partition: 1, "slow-commit": 0.01, "commit-failure": 0.003 }),
  },
  snapshots: {
    ...CROWD,
    snapshotEvery: 3,
    limits: { batchCommandsMax: 1, snapshotChunkBytesMax: 300, dedupOperationsMax: 100 },
    faults: only({ kill: 3, partition: 2, crash: 0.5, evict: 0.5, late: 0.02, duplicate: 0.05 }),
  },
  alarms: { ...SHORT, memoryTimers: false, faults: only({ evict: 2, "alarm-late": 0.02, kill: 0.5 }) },
  clocks: {
    ...SHORT,
    replicas: 2,
    clients: 1,
    thinkMs: 300,
    faults: only({ "clock-jump": 3, "clock-skew": 1, evict: 1 }),
  },
  wipe: {
    ...SHORT,
    durationMs: 5_000,
    clients: 2,
    thinkMs: 100,
    replicas: 3,
    // Alarms only, each of them twice: one may come after its replica has stopped.
    memoryTimers: false,
    faults: only({ wipe: 1, evict: 0.5, partition: 0.5, "alarm-twice": 1 }),
  },
  outages: {
    ...SHORT,
    replicas: 2,
    nemesisMs: 800,
    faults: only({ kill: 2, partition: 1, crash: 0.5, "drop-reply": 0.15, "fail-fast": 0.8, pause: 0.5 }),
  },
  forgetful: {
    ...CROWD,
    limits: { dedupOperationsMax: 40 },
    faults: only({ "drop-reply": 0.1, drop: 0.02, kill: 0.5 }),
  },
  deposed: {
    ...CROWD,
    durationMs: 8_000,
    clients: 10,
    keys: 4,
    heartbeatMs: 50,
    electionMs: 200,
    attemptMs: 2_400,
    attempts: 1,
    nemesisMs: 1_200,
    limits: { batchCommandsMax: 1, pipelineCommandsMin: 1 },
    faults: only({ "isolate-leader": 3, late: 0.02 }),
  },
  overtaken: {
    ...CROWD,
    durationMs: 6_000,
    clients: 20,
    keys: 4,
    heartbeatMs: 50,
    electionMs: 200,
    attemptMs: 2_400,
    attempts: 1,
    nemesisMs: 1_200,
    snapshotEvery: 3,
    latencyMs: 20,
    // A retry is refused as often as not, and then nobody tells what the first attempt came to.
    limits: { batchCommandsMax: 1, pipelineCommandsMin: 32, proposalsQueuedMax: 1 },
    faults: only({ "isolate-leader": 3, late: 0.02 }),
  },
  returns: {
    ...SHORT,
    durationMs: 12_000,
    mild: "flapping",
    clients: 3,
    keys: 60,
    heartbeatMs: 50,
    electionMs: 200,
    snapshotEvery: 3,
    limits: { snapshotChunkBytesMax: 100, dedupOperationsMax: 100 },
    faults: only({}),
  },
  sessions: {
    ...CROWD,
    durationMs: 8_000,
    clients: 10,
    keys: 60,
    heartbeatMs: 50,
    electionMs: 200,
    attemptMs: 1_500,
    attempts: 1,
    snapshotEvery: 3,
    latencyMs: 10,
    limits: {
      batchCommandsMax: 1,
      pipelineCommandsMin: 1,
      snapshotChunkBytesMax: 100,
      dedupOperationsMax: 100,
    },
    faults: only({ kill: 3, partition: 0.5, pause: 0.5, drop: 0.01 }),
  },
  sleepers: {
    ...SHORT,
    clients: 2,
    thinkMs: 400,
    heartbeatMs: 50,
    electionMs: 200,
    quiesceMs: 100,
    nemesisMs: 300,
    faults: only({ crash: 3, kill: 0.5, evict: 0.5 }),
  },
  watched: {
    ...SHORT,
    durationMs: 8_000,
    keys: 4,
    watchers: 4,
    compactions: 10,
    snapshotEvery: 3,
    limits: { watchBytesMax: 1_000, watchScanRowsMax: 3 },
    faults: only({
      kill: 2,
      partition: 1,
      evict: 0.5,
      pause: 0.5,
      "drop-reply": 0.05,
      late: 0.02,
      "gateway-restart": 0.3,
    }),
  },
  leases: {
    ...SHORT,
    durationMs: 20_000,
    clients: 8,
    thinkMs: 60,
    keys: 6,
    latencyMs: 30,
    leases: true,
    quiesceMs: 200,
    nemesisMs: 1_500,
    faults: only({
      kill: 0.5,
      evict: 0.3,
      "isolate-leader": 1,
      partition: 0.5,
      pause: 3,
      late: 0.03,
      reorder: 0.3,
    }),
  },
  promises: {
    ...SHORT,
    durationMs: 20_000,
    clients: 6,
    thinkMs: 200,
    keys: 4,
    heartbeatMs: 50,
    electionMs: 200,
    attemptMs: 1_500,
    attempts: 1,
    leases: true,
    // Without timers in memory, a leader whose alarm is late does not look at its followers.
    memoryTimers: false,
    nemesisMs: 600,
    faults: only({ "isolate-leader": 3, partition: 1, "partition-one-way": 1, "alarm-late": 0.1 }),
  },
  behind: {
    ...SHORT,
    durationMs: 10_000,
    // So patient that its leader stays its leader while it misses more than the log keeps.
    electionMs: 2_000,
    clients: 10,
    keys: 3,
    watchers: 6,
    compactions: 20,
    snapshotEvery: 3,
    nemesisMs: 700,
    faults: only({ pause: 2, clog: 2 }),
  },
  users: {
    ...SHORT,
    durationMs: 12_000,
    keys: 4,
    users: true,
    attemptMs: 1_200,
    attempts: 3,
    nemesisMs: 1_500,
    faults: only({ kill: 0.5, partition: 0.5, evict: 0.5, "drop-reply": 0.02, duplicate: 0.02, late: 0.05 }),
  },
  guarded: {
    ...SHORT,
    durationMs: 12_000,
    keys: 4,
    users: true,
    leases: true,
    watchers: 4,
    memberMs: 700,
    attemptMs: 1_200,
    attempts: 3,
    nemesisMs: 2_500,
    faults: only({ kill: 0.3, partition: 0.3, evict: 0.3, late: 0.02 }),
  },
  restored: {
    ...SHORT,
    durationMs: 8_000,
    keys: 4,
    restores: true,
    leases: true,
    watchers: 2,
    snapshotEvery: 10,
    nemesisMs: 700,
    limits: { applyEntriesPerTurnMax: 1, batchCommandsMax: 1 },
    faults: only({ kill: 2, partition: 2, evict: 0.5, "drop-reply": 0.1 }),
  },
  undisturbed: { ...SHORT, durationMs: 4_000, restores: true, leases: true, faults: only({}) },
  trickling: {
    ...SHORT,
    durationMs: 10_000,
    restores: true,
    leases: true,
    electionMs: 200,
    heartbeatMs: 50,
    latencyMs: 20,
    attemptMs: 100,
    attempts: 3,
    nemesisMs: 1_500,
    limits: { applyEntriesPerTurnMax: 1, batchCommandsMax: 1 },
    faults: only({
      kill: 2,
      isolate: 2,
      "isolate-leader": 3,
      drop: 0.3,
      "drop-reply": 0.2,
      "fail-fast": 0.2,
    }),
  },
  members: {
    ...SHORT,
    snapshotEvery: 30,
    memberMs: 500,
    nemesisMs: 1_500,
    faults: only({ kill: 1, partition: 1, evict: 1, "drop-reply": 0.02, late: 0.02 }),
  },
  successors: {
    ...CROWD,
    clients: 10,
    electionMs: 200,
    heartbeatMs: 50,
    // Nobody asks again for a change that was lost with its leader.
    attemptMs: 400,
    attempts: 1,
    memberMs: 500,
    memoryTimers: false,
    limits: { batchCommandsMax: 1, pipelineCommandsMin: 8, applyEntriesPerTurnMax: 1 },
    nemesisMs: 500,
    faults: only({ "lose-changer": 3, kill: 0.3, partition: 0.5, "alarm-late": 0.02 }),
  },
  repeated: {
    ...SHORT,
    attemptMs: 600,
    attempts: 2,
    repeats: 0.9,
    upkeep: { ...NO_UPKEEP, alarms: 3 },
    nemesisMs: 1_500,
    faults: only({ kill: 0.5, partition: 0.5, "drop-reply": 0.15, "client-cancel": 0.05 }),
  },
  bounded: {
    ...SHORT,
    bounded: 1,
    clients: 12,
    thinkMs: 20,
    latencyMs: 40,
    commitMs: 15,
    attemptMs: 2_000,
    attempts: 1,
    tailMs: 200,
    nemesisMs: 300,
    faults: only({
      "clock-jump": 2,
      "clock-skew": 1,
      pause: 1,
      kill: 0.3,
      late: 0.02,
      reorder: 0.2,
      clog: 1,
    }),
  },
  lagging: {
    ...SHORT,
    bounded: 1,
    clients: 8,
    thinkMs: 50,
    latencyMs: 20,
    attemptMs: 2_000,
    attempts: 1,
    electionMs: 2_000,
    tailMs: 200,
    // What a follower is to apply is on its way for longer than what it is told of it.
    faults: only({ late: 0.2, reorder: 0.2, drop: 0.05 }),
  },
  alone: {
    ...SHORT,
    replicas: 1,
    clients: 10,
    memberMs: 1_000,
    nemesisMs: 700,
    faults: only({ supersede: 2, evict: 0.5, pause: 0.5, "drop-reply": 0.02 }),
  },
  tight: {
    ...CROWD,
    limits: { uncommittedBytesMax: 200, inflightMessagesMax: 1, batchCommandsMax: 1 },
    faults: only({ partition: 2, kill: 1, clog: 1, "drop-reply": 0.05 }),
  },
};

/** What `climate` fixes of the options that are drawn for `seed`. */
export function fixedBy(climate: Climate, seed: number): FixedOptions {
  if (climate === "any") return { durationMs: 8_000 };
  if (climate === "mild") return { durationMs: 8_000, mild: MILD_KINDS[seed % MILD_KINDS.length] ?? null };
  // Five replicas in every fourth life: three are cheaper and have the smaller quorums.
  return { replicas: seed % 4 === 0 ? 5 : 3, ...CLIMATES[climate] };
}

function only(faults: Partial<Record<FaultKind, number>>): Record<FaultKind, number> {
  const all = Object.fromEntries(FAULT_KINDS.map((kind) => [kind, faults[kind] ?? 0]));
  // `FAULT_KINDS` are its keys.
  return all as Record<FaultKind, number>;
}
