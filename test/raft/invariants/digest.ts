/** Entries and state machine contents as short comparable values. */
import { isJoint } from "../../../src/raft/configuration.ts";
import type { Configuration, Entry } from "../../../src/raft/types.ts";

const digests = new WeakMap<Entry, string>();

/** Everything in an entry but its index. Equal text if and only if equal entries (commands: by bytes). */
export function entryDigest(entry: Entry): string {
  const known = digests.get(entry);
  if (known !== undefined) return known;
  const digest = `${entry.term} ${contentOf(entry)}`;
  digests.set(entry, digest);
  return digest;
}

function contentOf(entry: Entry): string {
  if (entry.kind === "command") return `command ${entry.data.join(",")}`;
  if (entry.kind === "configuration") return `configuration ${configurationText(entry.configuration)}`;
  return "empty";
}

/** `1,2,3`, joint `2,3,4&1,2,3`, learners behind `+`, voters that will become learners behind `~`. */
export function configurationText(configuration: Configuration): string {
  const { voters, votersOutgoing, learners, learnersNext } = configuration;
  let text = voters.join(",");
  if (isJoint(configuration)) text += `&${votersOutgoing.join(",")}`;
  if (learners.length > 0) text += `+${learners.join(",")}`;
  if (learnersNext.length > 0) text += `~${learnersNext.join(",")}`;
  return text;
}

/** The next link of a chain of digests (32-bit FNV-1a over `text`, begun from `previous`). */
export function chainDigest(previous: number, text: string): number {
  let hash = previous ^ 0x811c9dc5;
  for (let i = 0; i < text.length; i += 1) {
    hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  }
  return hash >>> 0;
}
