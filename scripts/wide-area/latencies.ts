/** How long puts and gets take, by the region of the client and by that of the leader. */
import { HOSTING_REGIONS, REGIONS, type Region, roundTripMs } from "./facts/round-trips.ts";
import { type Spread, spread } from "./statistics.ts";
import { WideCluster } from "./wide-cluster.ts";

export interface LatencyOptions {
  readonly placement: readonly Region[];
  readonly seed: number;
  /** Operations of each kind from each region, one after another. */
  readonly samples: number;
}

/** From a gateway beside the leader: no way to the leader is in it. */
export interface LeaderCommit {
  readonly leader: Region;
  readonly commit: Spread;
}

/** From a gateway in the client's region, until it has the answer. */
export interface ClientLatencies {
  readonly client: Region;
  readonly put: Spread;
  /** From the replica that the gateway chooses. */
  readonly linearizable: Spread;
  readonly linearizableLeader: Spread;
  readonly linearizableNearest: Spread;
  readonly serializable: Spread;
  readonly serializableNearest: Spread;
}

export interface Latencies {
  readonly placement: readonly Region[];
  readonly byLeader: readonly LeaderCommit[];
  /** Where the leader was for `byClient`: where commits are fastest. */
  readonly leader: Region;
  readonly byClient: readonly ClientLatencies[];
}

const VALUE_BYTES = 256;
/** Between two operations, drawn from nothing: a number that meets heartbeats at every phase. */
const PAUSE_MS = 37;
const KEY = "key";
/** Operations before those that count: by then a gateway knows who is near. */
const LEARNED_FROM = 6;

export async function measureLatencies(options: LatencyOptions): Promise<Latencies> {
  const { placement } = options;
  const byLeader: LeaderCommit[] = [];
  for (let member = 0; member < placement.length; member += 1) {
    byLeader.push({ leader: regionOf(placement, member), commit: await measureCommit(options, member) });
  }
  const best = byLeader.reduce((least, each) =>
    Math.round(each.commit.p50) < Math.round(least.commit.p50) ? each : least,
  );
  const member = byLeader.indexOf(best);
  return { placement, byLeader, leader: best.leader, byClient: await measureClients(options, member) };
}

async function measureCommit({ placement, seed, samples }: LatencyOptions, leader: number): Promise<Spread> {
  const wide = new WideCluster({ seed, placement, gateways: [{ beside: leader }] });
  try {
    await wide.leadFrom(leader);
    return await sample(wide, samples, () => wide.put(0, KEY, VALUE_BYTES));
  } finally {
    wide.close();
  }
}

async function measureClients(
  { placement, seed, samples }: LatencyOptions,
  leader: number,
): Promise<ClientLatencies[]> {
  const wide = new WideCluster({ seed, placement, gateways: REGIONS.map((region) => ({ region })) });
  try {
    await wide.leadFrom(leader);
    const measured: ClientLatencies[] = [];
    for (const [gateway, client] of REGIONS.entries()) {
      const nearest = nearestMember(placement, client);
      const get = (consistency: "linearizable" | "serializable", member: number | null): Promise<Spread> =>
        sample(wide, samples, () => wide.get(gateway, KEY, consistency, member));
      measured.push({
        client,
        put: await sample(wide, samples, () => wide.put(gateway, KEY, VALUE_BYTES)),
        linearizable: await get("linearizable", null),
        linearizableLeader: await get("linearizable", leader),
        linearizableNearest: await get("linearizable", nearest),
        serializable: await get("serializable", null),
        serializableNearest: await get("serializable", nearest),
      });
    }
    return measured;
  } finally {
    wide.close();
  }
}

async function sample(
  wide: WideCluster,
  samples: number,
  ask: () => Promise<{ readonly isOk: boolean; readonly tookMs: number }>,
): Promise<Spread> {
  const took: number[] = [];
  for (let i = -LEARNED_FROM; i < samples; i += 1) {
    const { isOk, tookMs } = await ask();
    if (!isOk) throw new Error("an operation failed though nothing goes wrong");
    if (i >= 0) took.push(tookMs);
    await wide.rest(PAUSE_MS);
  }
  return spread(took);
}

export function nearestMember(placement: readonly Region[], client: Region): number {
  const distances = placement.map((region) => roundTripMs(client, region));
  return distances.indexOf(Math.min(...distances));
}

function regionOf(placement: readonly Region[], member: number): Region {
  return placement[member] ?? HOSTING_REGIONS[0];
}
