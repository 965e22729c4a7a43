/** Valid and invalid JSON around etcd's requests: forms that mean the same, and forms that mean nothing. */
import type { Prng } from "../../../src/base/prng.ts";

export type Json = null | boolean | number | string | readonly Json[] | JsonObject;
export interface JsonObject {
  readonly [name: string]: Json;
}

/** A number as JSON clients write it. Numbers beyond 2^53 are only written as text. */
export function numberForm(random: Prng, value: number | string): Json {
  return typeof value === "string" || random.chance(0.6) ? String(value) : value;
}

/** Latin-1 text as protobuf's JSON has bytes. */
export function bytesForm(random: Prng, text: string): string {
  const base64 = Buffer.from(text, "latin1").toString("base64");
  return random.chance(0.03) ? base64.replace(/=+$/, "") : base64;
}

const WEIRD_VALUES: readonly string[] = [
  ...[
    "null",
    "true",
    "false",
    "0",
    "-0",
    "-1",
    "1.5",
    "1.0",
    "1e2",
    "1E+2",
    "12e-1",
    "007",
    "1.",
    ".5",
    "+1",
    "-",
  ],
  ...[
    '""',
    '"x"',
    '" 1"',
    '"1 "',
    '"-1"',
    '"1.0"',
    '"1e2"',
    '"0x10"',
    '"true"',
    '"null"',
    '"NaN"',
    '"Infinity"',
  ],
  ...["9223372036854775807", "9223372036854775808", "18446744073709551616", '"9223372036854775807"'],
  ...['"9223372036854775808"', '"-9223372036854775809"', "2147483648", "1e400", "NaN"],
  ...[
    '"YQ"',
    '"YQ=="',
    '"YQ="',
    '"Y"',
    '"YR=="',
    '"-_-_"',
    '"+/+/"',
    '"Y Q=="',
    '"YQ==\\n"',
    '"%%"',
    '"\\u0059Q=="',
  ],
  ...[
    "[]",
    "[1]",
    "[null]",
    "[[]]",
    '["YQ=="]',
    "{}",
    '{"a":1}',
    '{"key":"YQ=="}',
    '"\\ud800"',
    '"\\x"',
    '"é"',
  ],
  ...['"NONE"', '"DESCEND"', '"descend"', '"KEY"', "3", "4", "5", "99", '"3"'],
];
const WEIRD_BYTES = "{}[]\",:0123456789.eE+-truefalsnul\\ \n\t\u0000\u001f\u007f\u0080\u00ff/*'`";

/** `text` with something changed, mostly into what is no request any more. */
export function damaged(random: Prng, text: string): string {
  const at = random.below(text.length + 1);
  switch (random.below(9)) {
    case 0:
      return text.slice(0, at);
    case 1:
      return text.slice(0, at) + text.slice(at + 1);
    case 2:
      return text.slice(0, at) + random.pick([...WEIRD_BYTES]) + text.slice(at);
    case 3:
      return text.slice(0, at) + random.pick([...WEIRD_BYTES]) + text.slice(at + 1);
    case 4:
      return text + random.pick(["x", "{}", " ", "\n", "}", "null", "]", "\u0000", ","]);
    case 5:
      return random.pick([
        "",
        " ",
        "null",
        "[]",
        "1",
        '"x"',
        "true",
        "nul",
        "{",
        "\u00ef\u00bb\u00bf{}",
        "{}{}",
        "// a",
        "''",
      ]);
    default:
      return withWeirdValue(random, text);
  }
}

/** One value of `text`, a scalar in it, replaced by another one. */
function withWeirdValue(random: Prng, text: string): string {
  const values = [...text.matchAll(/:("(?:[^"\\]|\\.)*"|-?\d+|true|false|null|\{|\[)/g)];
  const found = values[random.below(Math.max(1, values.length))];
  const weird = random.pick(WEIRD_VALUES);
  if (found === undefined) return `{"key":${weird}}`;
  const start = found.index + 1;
  const value = found[1] ?? "";
  const end = value === "{" || value === "[" ? closingOf(text, start) : start + value.length;
  return text.slice(0, start) + weird + text.slice(end);
}

/** Behind the bracket that closes the one at `start`; brackets in strings do not occur in these requests. */
function closingOf(text: string, start: number): number {
  let depth = 0;
  for (let at = start; at < text.length; at += 1) {
    if ("{[".includes(text.charAt(at))) depth += 1;
    if ("}]".includes(text.charAt(at))) depth -= 1;
    if (depth === 0) return at + 1;
  }
  return text.length;
}
