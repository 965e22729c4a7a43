/** Where the platform hosts Durable Objects, as `locationHint` spells it. */
export const HOSTING_HINTS = ["wnam", "enam", "weur", "eeur", "apac-ne", "apac-se", "apac", "oc"] as const;

/** Hints the platform accepts but serves from another region. */
export const DISPLACED_HINTS = ["sam", "afr", "me"] as const;

export type LocationHint = (typeof HOSTING_HINTS)[number] | (typeof DISPLACED_HINTS)[number];

/** `text` as a hint, or null if it is none. */
export function asLocationHint(text: string): LocationHint | null {
  const known: readonly LocationHint[] = [...HOSTING_HINTS, ...DISPLACED_HINTS];
  return known.find((hint) => hint === text) ?? null;
}
