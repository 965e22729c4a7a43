/** One object for equal entries, so that comparing logs is comparing references. */
import { equalBytes } from "../../../src/base/bytes.ts";
import type { Entry } from "../../../src/raft/types.ts";
import { entryDigest } from "../../raft/invariants/digest.ts";

let known = new Map<number, Entry[]>();
/** The one object for each that was seen. A weak map would be dearer, and a run is short. */
const canonical = new Map<Entry, Entry>();

/** Forgets all entries: between runs. */
export function forgetEntries(): void {
  known = new Map();
  canonical.clear();
}

export function internEntry(entry: Entry): Entry {
  const done = canonical.get(entry);
  if (done !== undefined) return done;
  const alike = known.get(entry.index);
  const found = alike?.find((other) => equal(other, entry));
  if (found !== undefined) {
    canonical.set(entry, found);
    return found;
  }
  if (alike === undefined) known.set(entry.index, [entry]);
  else alike.push(entry);
  canonical.set(entry, entry);
  return entry;
}

function equal(a: Entry, b: Entry): boolean {
  if (a.kind !== b.kind || a.term !== b.term) return false;
  if (a.kind === "command" && b.kind === "command") return equalBytes(a.data, b.data);
  return a.kind === "empty" || entryDigest(a) === entryDigest(b);
}
