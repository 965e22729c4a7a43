/** Endpoints in regions, with the distances and durations of `facts/`. */

import type { Prng } from "../../src/base/prng.ts";
import { FIRST_GATEWAY } from "../../test/sim/cluster.ts";
import type { Meter, Site } from "../../test/sim/platform/site.ts";
import { stream } from "../../test/sim/world/streams.ts";
import { COLD_START_MS, FLUSH_MS, type Range, ROUTING_MS, TAIL } from "./facts/durations.ts";
import { type Region, roundTripMs } from "./facts/round-trips.ts";

/** Where a gateway is: in a region, or right beside an object, which no call then takes time to reach. */
export type Place = { readonly region: Region } | { readonly beside: number };

export interface RegionSiteParts {
  readonly seed: number;
  /** The regions of the objects, in the order of the members. */
  readonly objects: readonly Region[];
  readonly gateways: readonly Place[];
  readonly meter: Meter;
}

export class RegionSite implements Site {
  readonly meter: Meter;
  readonly #parts: RegionSiteParts;
  readonly #network: Prng;
  readonly #disks: Prng;
  readonly #starts: Prng;
  /** By `from * 64 + to`: when the newest message arrives. What follows on a link does not overtake it. */
  readonly #arrivals = new Map<number, number>();

  constructor(parts: RegionSiteParts) {
    this.#parts = parts;
    this.meter = parts.meter;
    this.#network = stream(parts.seed, "wide-area network");
    this.#disks = stream(parts.seed, "wide-area disks");
    this.#starts = stream(parts.seed, "wide-area starts");
  }

  wayMs(now: number, from: number, to: number): number {
    const typicalMs = this.#typicalMs(from, to);
    // Drawn in any case: what one message takes must not depend on where the others go.
    const isLate = this.#network.chance(TAIL.share);
    const share = this.#network.fraction();
    const tailMs = isLate ? typicalMs * TAIL.longer * share : 0;
    const takenMs = typicalMs === 0 ? 0 : typicalMs + within(ROUTING_MS, this.#network) + tailMs;
    const link = from * 64 + to;
    const arrivesAt = Math.max(now + takenMs, this.#arrivals.get(link) ?? 0);
    this.#arrivals.set(link, arrivesAt);
    return arrivesAt - now;
  }

  commitMs(): number {
    return within(FLUSH_MS, this.#disks);
  }

  startMs(): number {
    return within(COLD_START_MS, this.#starts);
  }

  #typicalMs(from: number, to: number): number {
    const [a, b] = [this.#place(from), this.#place(to)];
    if (("beside" in a && a.beside === to) || ("beside" in b && b.beside === from)) return 0;
    return roundTripMs(this.#region(a), this.#region(b)) / 2;
  }

  #place(endpoint: number): Place {
    const { objects, gateways } = this.#parts;
    const region = objects[endpoint];
    const place = region === undefined ? gateways[endpoint - FIRST_GATEWAY] : { region };
    if (place === undefined) throw new Error(`nothing is at endpoint ${endpoint}`);
    return place;
  }

  #region(place: Place): Region {
    if ("region" in place) return place.region;
    return this.#region(this.#place(place.beside));
  }
}

function within({ min, max }: Range, random: Prng): number {
  return min + (max - min) * random.fraction();
}
