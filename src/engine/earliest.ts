/** The first of some deadlines; null if there is none. */
export function earliest(deadlines: readonly (number | null)[]): number | null {
  const known = deadlines.filter((at) => at !== null);
  return known.length === 0 ? null : Math.min(...known);
}
