// @ts-check
/** Texts as Go's standard library writes them, since etcdctl's output is made of them. */

const ESCAPES = new Map([
  [7, "\\a"],
  [8, "\\b"],
  [9, "\\t"],
  [10, "\\n"],
  [11, "\\v"],
  [12, "\\f"],
  [13, "\\r"],
  [34, '\\"'],
  [92, "\\\\"],
]);
const PRINTABLE = /^[\p{L}\p{M}\p{N}\p{P}\p{S} ]$/u;

/**
 * `%q` of a string of bytes.
 * @param {string | Uint8Array} value
 */
export function goQuote(value) {
  const raw = Buffer.from(value);
  let out = "";
  for (let at = 0; at < raw.length; ) {
    const character = characterAt(raw, at);
    if (character === null) {
      out += `\\x${hexByte(raw[at] ?? 0)}`;
      at += 1;
    } else {
      out += quoteCharacter(character);
      at += Buffer.byteLength(character);
    }
  }
  return `"${out}"`;
}

/**
 * The UTF-8 character that starts there; null when none does.
 * @param {Buffer} raw
 * @param {number} at
 */
function characterAt(raw, at) {
  const first = raw[at] ?? 0;
  const length = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(raw.subarray(at, at + length));
  } catch {
    return null;
  }
}

/** @param {string} character */
function quoteCharacter(character) {
  const code = character.codePointAt(0) ?? 0;
  const special = ESCAPES.get(code);
  if (special !== undefined) return special;
  if (PRINTABLE.test(character)) return character;
  if (code < 0x80) return `\\x${hexByte(code)}`;
  return code < 0x10000
    ? `\\u${code.toString(16).padStart(4, "0")}`
    : `\\U${code.toString(16).padStart(8, "0")}`;
}

const UNESCAPES = new Map([...ESCAPES].map(([code, sequence]) => [sequence[1], code]));

/**
 * What a double-quoted Go string at the start of the text stands for, and the text behind it; null
 * when there is none.
 * @param {string} source
 * @returns {{ value: Buffer, rest: string } | null}
 */
export function goUnquote(source) {
  const match = /^"((?:[^"\\\n]|\\.)*)"/s.exec(source);
  if (match === null) return null;
  /** @type {Buffer[]} */
  const parts = [];
  const pattern =
    /\\x([0-9a-fA-F]{2})|\\u([0-9a-fA-F]{4})|\\U([0-9a-fA-F]{8})|\\([0-7]{3})|\\(.)|([^\\]+)/gsu;
  for (const [, hex, short, long, octal, escaped, plain] of (match[1] ?? "").matchAll(pattern)) {
    const part = unquotePart({ hex, code: short ?? long, octal, escaped, plain });
    if (part === null) return null;
    parts.push(part);
  }
  return { value: Buffer.concat(parts), rest: source.slice(match[0].length) };
}

/**
 * @param {{ hex: string | undefined, code: string | undefined, octal: string | undefined, escaped: string | undefined, plain: string | undefined }} part
 */
function unquotePart({ hex, code, octal, escaped, plain }) {
  if (plain !== undefined) return Buffer.from(plain);
  if (hex !== undefined) return Buffer.from([Number.parseInt(hex, 16)]);
  if (octal !== undefined) return Buffer.from([Number.parseInt(octal, 8) & 0xff]);
  if (code !== undefined) {
    const point = Number.parseInt(code, 16);
    return point > 0x10ffff ? null : Buffer.from(String.fromCodePoint(point));
  }
  const byte = UNESCAPES.get(escaped);
  return byte === undefined ? null : Buffer.from([byte]);
}

/** @param {number} value */
function hexByte(value) {
  return value.toString(16).padStart(2, "0");
}

/**
 * `encoding/json`, with numbers of 64 bits.
 * @param {unknown} value
 * @returns {string}
 */
export function goJson(value) {
  if (typeof value === "bigint") return value.toString();
  if (typeof value === "string") return jsonText(value);
  if (Array.isArray(value)) return `[${value.map(goJson).join(",")}]`;
  if (typeof value === "object" && value !== null) {
    const members = Object.entries(value).filter(([, member]) => member !== undefined);
    return `{${members.map(([name, member]) => `${jsonText(name)}:${goJson(member)}`).join(",")}}`;
  }
  return JSON.stringify(value);
}

/** @param {string} value */
function jsonText(value) {
  return JSON.stringify(value).replace(
    /[<>&\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/**
 * `time.Duration`.
 * @param {number} milliseconds
 * @returns {string}
 */
export function goDuration(milliseconds) {
  if (milliseconds >= 60_000) {
    const minutes = Math.floor(milliseconds / 60_000);
    return `${minutes}m${goDuration(milliseconds - minutes * 60_000)}`;
  }
  if (milliseconds >= 1_000) return `${decimals(milliseconds / 1_000, 9)}s`;
  if (milliseconds >= 1) return `${decimals(milliseconds, 6)}ms`;
  return milliseconds === 0 ? "0s" : `${decimals(milliseconds * 1_000, 3)}µs`;
}

/**
 * @param {number} value
 * @param {number} digits
 */
function decimals(value, digits) {
  return String(Number(value.toFixed(digits)));
}

/**
 * `humanize.Bytes`.
 * @param {bigint} size
 */
export function goBytes(size) {
  const value = Number(size);
  if (value < 10) return `${value} B`;
  const exponent = Math.floor(Math.log(value) / Math.log(1_000));
  const scaled = Math.floor((value / 1_000 ** exponent) * 10 + 0.5) / 10;
  const unit = ["B", "kB", "MB", "GB", "TB", "PB"][exponent];
  return `${scaled < 10 ? scaled.toFixed(1) : halfToEven(scaled)} ${unit}`;
}

/**
 * `%.0f`.
 * @param {number} value
 */
function halfToEven(value) {
  const floor = Math.floor(value);
  const isUp = value - floor > 0.5 || (value - floor === 0.5 && floor % 2 === 1);
  return String(isUp ? floor + 1 : floor);
}

/** @param {bigint} id */
export function hexId(id) {
  return BigInt.asUintN(64, id).toString(16);
}

/** @param {bigint} id */
export function leaseId(id) {
  return hexId(id).padStart(16, "0");
}
