/** A power law through points: y = factor * x^exponent. */

export interface Point {
  readonly x: number;
  readonly y: number;
}

export interface PowerLaw {
  readonly exponent: number;
  readonly factor: number;
  /** The share of the variance of log y that the law explains, 0 to 1; 1 when y does not vary. */
  readonly r2: number;
}

/** Variances of logarithms below it are rounding. */
const FLAT = 1e-18;

/**
 * Least squares on logarithms. Null when fewer than two different positive x remain: points that are
 * not positive and finite have no logarithm and are left out.
 */
export function fitPowerLaw(points: readonly Point[]): PowerLaw | null {
  const logs = points.filter(isPositive).map(({ x, y }) => ({ x: Math.log(x), y: Math.log(y) }));
  const meanX = mean(logs.map(({ x }) => x));
  const meanY = mean(logs.map(({ y }) => y));
  const xx = sum(logs.map(({ x }) => (x - meanX) ** 2));
  if (logs.length < 2 || xx === 0) return null;
  const xy = sum(logs.map(({ x, y }) => (x - meanX) * (y - meanY)));
  const yy = sum(logs.map(({ y }) => (y - meanY) ** 2));
  const exponent = xy / xx;
  const r2 = yy < FLAT ? 1 : xy ** 2 / (xx * yy);
  return { exponent, factor: Math.exp(meanY - exponent * meanX), r2 };
}

function isPositive({ x, y }: Point): boolean {
  return x > 0 && y > 0 && Number.isFinite(x) && Number.isFinite(y);
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

function mean(numbers: readonly number[]): number {
  return sum(numbers) / numbers.length;
}
