/** How Go prints characters and texts inside error messages. Source: Go `strconv.Quote`, `json.quoteChar`. */

const SHORT: Readonly<Record<string, string>> = {
  "\u0007": "\\a",
  "\b": "\\b",
  "\f": "\\f",
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
  "\v": "\\v",
};

/** What Go does not print as it is: control and format characters, unassigned ones, spaces but the plain one. */
const UNPRINTABLE = /[\p{C}\p{Zl}\p{Zp}]|(?! )\p{Zs}/gu;

function escapeUnprintable(character: string): string {
  const short = SHORT[character];
  if (short !== undefined) return short;
  const code = character.codePointAt(0) ?? 0;
  if (code < 0x80) return `\\x${code.toString(16).padStart(2, "0")}`;
  if (code < 0x1_0000) return `\\u${code.toString(16).padStart(4, "0")}`;
  return `\\U${code.toString(16).padStart(8, "0")}`;
}

/** `text` as `%q` prints it, quotes included. */
export function quoteText(text: string): string {
  return `"${text.replace(/["\\]/g, "\\$&").replace(UNPRINTABLE, escapeUnprintable)}"`;
}

/** A byte that JSON does not allow where it stands, in single quotes. */
export function quoteByte(byte: number): string {
  const character = String.fromCharCode(byte);
  if (character === "'") return `'\\''`;
  if (character === '"') return `'"'`;
  return `'${quoteText(character).slice(1, -1)}'`;
}
