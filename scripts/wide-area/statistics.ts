/** What of many measurements is told. */

export interface Spread {
  readonly p50: number;
  readonly p99: number;
  readonly count: number;
}

/** The smallest value that at least `share` of all are not above; NaN of none. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
}

export function spread(values: readonly number[]): Spread {
  return { p50: quantile(values, 0.5), p99: quantile(values, 0.99), count: values.length };
}

/** The `rank`th smallest, from 1. */
export function smallest(values: readonly number[], rank: number): number {
  return [...values].sort((a, b) => a - b)[rank - 1] ?? Number.NaN;
}
