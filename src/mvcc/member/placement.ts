/** Where a new member goes if nobody says so: decided from the members alone, the same on every replica. */
import { hash64, hexId } from "../../base/hash64.ts";
import { HOSTING_HINTS, type LocationHint } from "../../base/location-hints.ts";
import { DEFAULT_BINDING } from "../../base/member-name.ts";
import type { Membership } from "./membership.ts";

/** The one that fewest of `taken` name, the earliest of several. */
function rarest<T extends string>(choices: readonly T[], taken: readonly string[], fallback: T): T {
  let best = fallback;
  let bestCount = Number.POSITIVE_INFINITY;
  for (const choice of choices) {
    const count = taken.filter((other) => other === choice).length;
    if (count < bestCount) {
      best = choice;
      bestCount = count;
    }
  }
  return best;
}

/** The region with the fewest members. */
export function chooseHint({ members }: Membership): LocationHint {
  // "apac" is all of the two regions that are listed by themselves.
  const regions = HOSTING_HINTS.filter((hint) => hint !== "apac");
  return rarest<LocationHint>(
    regions,
    members.map(({ hint }) => hint),
    "enam",
  );
}

/** The binding with the fewest members, of those in use. */
export function chooseBinding({ members }: Membership): string {
  const bindings = members.map(({ binding }) => binding);
  return rarest([...new Set(bindings)].sort(), bindings, DEFAULT_BINDING);
}

/** The first of m1, m2 and so on that nobody has. */
export function chooseName({ members }: Membership): string {
  for (let number = 1; ; number += 1) {
    const name = `m${number}`;
    if (!members.some((member) => member.name === name)) return name;
  }
}

/** An id that no member has had: `sequence` is the number of the command, and no two have the same. */
export function chooseId({ members, removed }: Membership, name: string, sequence: number): string {
  for (let attempt = 0; ; attempt += 1) {
    const id = hexId(hash64(`later member\n${name}\n${sequence}\n${attempt}`));
    if (!removed.includes(id) && !members.some((member) => member.id === id)) return id;
  }
}
