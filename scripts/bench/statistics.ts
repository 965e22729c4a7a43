/** What is said about several measurements of one thing. */

/** The value below which this share (0 to 1) of the sorted numbers lies; NaN of none. */
export function quantile(sorted: readonly number[], share: number): number {
  const position = Math.min(sorted.length - 1, Math.floor(sorted.length * share));
  return sorted[position] ?? Number.NaN;
}

/** The middle of the numbers, in any order; of an even count the mean of the middle two; NaN of none. */
export function median(numbers: readonly number[]): number {
  const sorted = [...numbers].sort((a, b) => a - b);
  const half = sorted.length / 2;
  const upper = sorted[Math.floor(half)] ?? Number.NaN;
  const lower = sorted[Math.ceil(half) - 1] ?? Number.NaN;
  return (lower + upper) / 2;
}

/** A median and how far the rounds were apart. */
export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/** NaN throughout of no numbers. */
export function spreadOf(numbers: readonly number[]): Spread {
  if (numbers.length === 0) return { median: Number.NaN, min: Number.NaN, max: Number.NaN };
  return { median: median(numbers), min: Math.min(...numbers), max: Math.max(...numbers) };
}

/** Quotients of what was measured in the same rounds: what else the machine did then divides out. */
export function ratios(numerators: readonly number[], denominators: readonly number[]): readonly number[] {
  const rounds = Math.min(numerators.length, denominators.length);
  return Array.from(
    { length: rounds },
    (_, round) => (numerators[round] ?? Number.NaN) / (denominators[round] ?? Number.NaN),
  );
}
