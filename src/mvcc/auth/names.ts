import { compareBytes } from "../../base/bytes.ts";
import { utf8 } from "../../wire/text.ts";

/** Names in the order of their bytes, which is not that of their UTF-16 units. */
export function sortNames(names: readonly string[]): string[] {
  return names
    .map((name) => ({ name, bytes: utf8(name) }))
    .sort((a, b) => compareBytes(a.bytes, b.bytes))
    .map(({ name }) => name);
}
