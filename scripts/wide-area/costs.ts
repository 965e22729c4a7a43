/** What work costs at published prices, counted from what the replicas do in virtual time. */

import { times } from "./bill.ts";
import { FLUSH_MS } from "./facts/durations.ts";
import { MONTH_MS, OBJECT_GIGABYTES, type Usage } from "./facts/prices.ts";
import type { Region } from "./facts/round-trips.ts";
import { type Spread, spread } from "./statistics.ts";
import { type Counts, usageOf } from "./usage-meter.ts";
import { type Served, WideCluster } from "./wide-cluster.ts";

export interface Costs {
  readonly name: string;
  /** What `usage` is of: so many puts, gets, or months. */
  readonly puts: number;
  readonly gets: number;
  readonly edged: Usage;
  /** The same by one Durable Object that keeps the value in a row, and by Workers KV. */
  readonly object: Usage;
  readonly kv: Usage;
  /** Of the measured part, all replicas together, per put or get. */
  readonly perOperation: Counts;
  /** From a gateway in the leader's region. */
  readonly tookMs: Spread;
}

export interface CostOptions {
  readonly placement: readonly Region[];
  readonly seed: number;
  /** Operations that are measured and then counted up to a million. */
  readonly operations: number;
}

const MILLION = 1e6;
const VALUE_BYTES = 256;
const KEYS = 100;
/**
 * Entries and operations that a replica keeps: full before anything is counted, for in the long run each
 * write also deletes what a write long ago left. How many they are makes hardly a difference to that: each
 * time the log is cut, a row that is shared by entries on both sides is written anew.
 */
const LOG_ENTRIES = 64;
const OPERATIONS_KEPT = 300;
/** Free pages are an earlier user's, whose database it was. */
const SIZE = `SELECT (page_count - freelist_count) * page_size
  FROM pragma_page_count(), pragma_freelist_count(), pragma_page_size()`;

interface Work {
  readonly name: string;
  /** Clients, each of which begins with the next operation when it has its answer, after a pause. */
  readonly clients: number;
  readonly pauseMs: number;
  /** One operation in so many is a put, the others are gets; 0: there are no puts. */
  readonly putEvery: number;
  readonly consistency: "linearizable" | "serializable";
  /** They share a session with the gateway. */
  readonly session: boolean;
  /** Operations all together, whatever is measured. */
  readonly total: number;
}

const MINUTE_MS = 60_000;

export const WORKS: readonly Work[] = [
  work({ name: "1 M puts, 32 clients at a time", clients: 32, total: MILLION }),
  work({ name: "1 M puts, 32 at a time over a session", clients: 32, session: true, total: MILLION }),
  work({ name: "1 M puts, one after another", total: MILLION }),
  work({ name: "1 M puts, spread over the month", pauseMs: MONTH_MS / MILLION, total: MILLION }),
  work({ name: "1 M linearizable gets, 32 clients", clients: 32, putEvery: 0, total: MILLION }),
  work({
    name: "1 M serializable gets, 32 clients",
    clients: 32,
    putEvery: 0,
    consistency: "serializable",
    total: MILLION,
  }),
  work({ name: "a month with a put a minute", pauseMs: MINUTE_MS, total: MONTH_MS / MINUTE_MS }),
  work({
    name: "a busy month: 1 put and 9 gets a second",
    pauseMs: 100,
    putEvery: 10,
    total: MONTH_MS / 100,
  }),
];

function work(differs: Pick<Work, "name" | "total"> & Partial<Work>): Work {
  return { clients: 1, pauseMs: 0, putEvery: 1, consistency: "linearizable", session: false, ...differs };
}

export async function measureCosts(options: CostOptions, what: Work): Promise<Costs> {
  const wide = openFor(options, what.session);
  try {
    await warm(wide, what);
    const operations = Math.min(options.operations, what.total);
    wide.meter.reset();
    const before = storedBytes(wide);
    const took = await run(wide, what, operations);
    const { counts } = wide.meter;
    const grownBytes = storedBytes(wide) - before;
    const puts = what.putEvery === 0 ? 0 : what.total / what.putEvery;
    const gets = what.total - puts;
    const used = times(usageOf(counts), what.total / operations);
    const stored = (((grownBytes / operations) * what.total) / 1e9) * MONTHS_KEPT;
    return {
      name: what.name,
      puts,
      gets,
      edged: { ...used, storedGigabyteMonths: Math.max(0, stored) },
      object: oneObject(puts, gets, what),
      kv: { kvReads: gets, kvWrites: puts, kvStoredGigabyteMonths: (KEYS * VALUE_BYTES) / 1e9 },
      perOperation: divided(counts, operations),
      tookMs: spread(took),
    };
  } finally {
    wide.close();
  }
}

/** What is written over a month is there for half of it on average. */
const MONTHS_KEPT = 0.5;

function openFor({ placement, seed }: CostOptions, gathers: boolean): WideCluster {
  return new WideCluster({
    seed,
    placement,
    gateways: [{ region: placement[0] ?? "weur" }],
    gathers,
    timers: { snapshotEvery: LOG_ENTRIES },
    limits: { dedupOperationsMax: OPERATIONS_KEPT },
  });
}

/** Fills what is kept, by writes as many at a time as later; at the end all keys exist and everybody is awake. */
async function warm(wide: WideCluster, { clients }: Work): Promise<void> {
  await wide.leadFrom(0);
  await run(
    wide,
    work({ name: "", clients, total: 0 }),
    2 * Math.max(OPERATIONS_KEPT, LOG_ENTRIES * clients),
  );
  // Followers hear of the last commits.
  await wide.rest(1_000);
}

async function run(wide: WideCluster, what: Work, operations: number): Promise<number[]> {
  let begun = 0;
  const took: number[] = [];
  const next = (): void => {
    if (begun === operations) return;
    const number = begun;
    begun += 1;
    const key = `key ${number % KEYS}`;
    const isPut = what.putEvery > 0 && number % what.putEvery === 0;
    // A pause: the rate is what counts, whenever the answer comes. None: the answer begins the next one.
    const after = ({ isOk, tookMs }: Served): void => {
      if (!isOk) wide.world.fail(new Error("an operation failed though nothing goes wrong"));
      took.push(tookMs);
      if (what.pauseMs === 0) wide.world.after(0, next);
    };
    if (isPut) wide.startPut(0, key, VALUE_BYTES, after);
    else wide.startGet(0, key, what.consistency, null, after);
    if (what.pauseMs > 0) wide.world.after(what.pauseMs, next);
  };
  for (let client = 0; client < what.clients; client += 1) next();
  const limit = wide.world.now + MONTH_MS;
  await wide.world.run(limit, () => took.length === operations);
  // A pause that has begun belongs to what is counted.
  if (what.pauseMs > 0) await wide.rest(what.pauseMs);
  return took;
}

function storedBytes({ cluster }: WideCluster): number {
  return cluster.objects.reduce((sum, { disk }) => sum + Number(disk.query(SIZE)[0]?.[0] ?? 0), 0);
}

function divided(counts: Counts, by: number): Counts {
  const { clientCalls, peerCalls, alarmRuns, alarmsSet, rowsWritten, rowsRead, awakeMs } = counts;
  return {
    clientCalls: clientCalls / by,
    peerCalls: peerCalls / by,
    alarmRuns: alarmRuns / by,
    alarmsSet: alarmsSet / by,
    rowsWritten: rowsWritten / by,
    rowsRead: rowsRead / by,
    awakeMs: awakeMs / by,
  };
}

/**
 * A call for each operation, one row for each, nothing besides: it keeps no history, and is paid for only
 * while a call is under way. Calls that overlap share that time.
 */
function oneObject(puts: number, gets: number, { clients, pauseMs }: Work): Usage {
  const flushMs = (FLUSH_MS.min + FLUSH_MS.max) / 2;
  const overlap = pauseMs === 0 ? clients : 1;
  const activeMs = (puts * flushMs + gets * GET_MS) / overlap;
  return {
    requests: puts + gets,
    gigabyteSeconds: (activeMs / 1000) * OBJECT_GIGABYTES,
    rowsRead: gets,
    rowsWritten: puts,
    storedGigabyteMonths: (KEYS * VALUE_BYTES) / 1e9,
  };
}

/** A read from memory or a local file. */
const GET_MS = 1;
