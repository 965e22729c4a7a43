/**
 * Several commands in one row of the log: each is its length in two bytes, high byte first, and its
 * bytes. Indexes and term are columns of the row: the first command has the row's index, the others follow.
 */
import { assert } from "../base/assert.ts";
import { LIMITS } from "../base/limits.ts";
import type { CommandEntry } from "../raft/types.ts";

/** Bytes that a command takes in a chunk besides its own. */
export const FRAME_BYTES = 2;

const LENGTH_MAX = 0xffff;

/** The commands as they stand in a row. */
export function packCommands(entries: readonly CommandEntry[]): Uint8Array {
  const packed = new Uint8Array(entries.reduce((sum, { data }) => sum + FRAME_BYTES + data.length, 0));
  let at = 0;
  for (const { data } of entries) {
    assert(data.length <= LENGTH_MAX, "a command of a chunk is small");
    packed[at] = data.length >> 8;
    packed[at + 1] = data.length & 0xff;
    packed.set(data, at + FRAME_BYTES);
    at += FRAME_BYTES + data.length;
  }
  return packed;
}

/** The commands of a row, from `first` to `last`. */
export function unpackCommands(
  first: number,
  last: number,
  term: number,
  packed: Uint8Array,
): CommandEntry[] {
  const entries: CommandEntry[] = [];
  let at = 0;
  for (let index = first; index <= last; index += 1) {
    const begin = at + FRAME_BYTES;
    at = begin + (packed[at] ?? 0) * 256 + (packed[at + 1] ?? 0);
    assert(at <= packed.length, `the chunk of entry ${first} ends within entry ${index}`);
    // A copy: a view would hold the whole row in memory, and a call between objects would send it.
    entries.push({ kind: "command", index, term, data: packed.slice(begin, at) });
  }
  assert(at === packed.length, `the chunk of entry ${first} goes on after entry ${last}`);
  return entries;
}

/** Whether a command is small enough to share a row: two of them must fit. */
export function isSmall({ data }: CommandEntry): boolean {
  return FRAME_BYTES + data.length <= LIMITS.logRowBytesMax / 2;
}
