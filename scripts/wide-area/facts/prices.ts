/**
 * Prices of the Workers Paid plan in dollars, as of 2026-11-22. Durable Objects: cloudflare/cloudflare-docs,
 * src/content/partials/durable-objects/durable-objects-pricing.mdx. Workers KV: the same repository,
 * src/content/partials/workers/kv_pricing.mdx.
 */

/** What is billed of one item: so much is included in the plan every month, then `dollars` for each `per`. */
export interface Price {
  readonly included: number;
  readonly per: number;
  readonly dollars: number;
}

export const OBJECT_PRICES = {
  /** Calls over RPC or HTTP, and alarms that fire. */
  requests: { included: 1e6, per: 1e6, dollars: 0.15 },
  /** Seconds in memory and not able to hibernate, times 0.128 GB whatever is used. */
  gigabyteSeconds: { included: 400_000, per: 1e6, dollars: 12.5 },
  rowsRead: { included: 25e9, per: 1e6, dollars: 0.001 },
  /** Index entries and deletions count; so does setting an alarm. */
  rowsWritten: { included: 50e6, per: 1e6, dollars: 1 },
  storedGigabyteMonths: { included: 5, per: 1, dollars: 0.2 },
} satisfies Record<string, Price>;

export const KV_PRICES = {
  kvReads: { included: 10e6, per: 1e6, dollars: 0.5 },
  kvWrites: { included: 1e6, per: 1e6, dollars: 5 },
  kvStoredGigabyteMonths: { included: 1, per: 1, dollars: 0.5 },
} satisfies Record<string, Price>;

export const PRICES: Readonly<Record<Item, Price>> = { ...OBJECT_PRICES, ...KV_PRICES };

export type Item = keyof typeof OBJECT_PRICES | keyof typeof KV_PRICES;

/** How much of each item is used; what is not named is not used. */
export type Usage = Readonly<Partial<Record<Item, number>>>;

export const OBJECT_GIGABYTES = 0.128;

/** A month has 30 days here. */
export const MONTH_MS = 30 * 24 * 3_600_000;
