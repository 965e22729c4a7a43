/**
 * Round trips between regions in milliseconds. Cloudflare publishes none between its own places; these
 * are Azure's, 95th percentile over the 30 days to 2026-07-30, as listed in mbender-ms/azure-docs,
 * articles/networking/azure-network-latency.md. Stand-ins: wnam West US 2, enam East US, weur West
 * Europe (NL), eeur Poland, apac-ne Tokyo, apac-se Singapore, oc Sydney, sam Sao Paulo, afr
 * Johannesburg (to Singapore 190 to 211), me Dubai.
 */

/** Where the platform hosts objects (developers.cloudflare.com/durable-objects/reference/data-location, 2026-06-26). */
export const HOSTING_REGIONS = ["wnam", "enam", "weur", "eeur", "apac-ne", "apac-se", "oc"] as const;

/** Clients are in all of these; objects that ask for one of the last three live elsewhere. */
export const REGIONS = [...HOSTING_REGIONS, "sam", "afr", "me"] as const;

export type Region = (typeof REGIONS)[number];

/** Row and column in the order of `REGIONS`; the diagonal is below. */
const BETWEEN_MS: readonly (readonly number[])[] = [
  [0, 76, 150, 169, 103, 165, 180, 179, 285, 256],
  [76, 0, 90, 108, 165, 229, 207, 120, 226, 191],
  [150, 90, 0, 28, 241, 182, 282, 190, 171, 124],
  [169, 108, 28, 0, 259, 202, 300, 212, 199, 139],
  [103, 165, 241, 259, 0, 74, 105, 270, 255, 155],
  [165, 229, 182, 202, 74, 0, 98, 337, 200, 89],
  [180, 207, 282, 300, 105, 98, 0, 298, 348, 181],
  [179, 120, 190, 212, 270, 337, 298, 0, 327, 290],
  [285, 226, 171, 199, 255, 200, 348, 327, 0, 105],
  [256, 191, 124, 139, 155, 89, 181, 290, 105, 0],
];

/**
 * Between two places of one region: West US and West US 2, East US and East US 2, North and West
 * Europe, Tokyo and Osaka (same source). For the others nothing is listed; the median of these stands in.
 */
const WITHIN_MS: Partial<Record<Region, number>> = { wnam: 26, enam: 11, weur: 20, "apac-ne": 14 };
const WITHIN_UNKNOWN_MS = 17;

export function isRegion(name: string): name is Region {
  return REGIONS.some((region) => region === name);
}

/** There and back, between two places that are not the same one. */
export function roundTripMs(from: Region, to: Region): number {
  if (from === to) return WITHIN_MS[from] ?? WITHIN_UNKNOWN_MS;
  return BETWEEN_MS[REGIONS.indexOf(from)]?.[REGIONS.indexOf(to)] ?? Number.NaN;
}
