/** The first of some deadlines; null if there is none. */
export function earliest(deadlines: readonly (number | null)[]): number | null {
  let first: number | null = null;
  for (const at of deadlines) if (at !== null && (first === null || at < first)) first = at;
  return first;
}
