/** A JSON text that was found well-formed, read in place: a value is known by the offset of its first byte. */
import { assert, defined, InvariantError } from "../../base/assert.ts";
import { LIMITS } from "../../base/limits.ts";
import { fromUtf8 } from "../../wire/text.ts";
import { isSpace, JsonScanner } from "./json-scanner.ts";

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN_BRACE = 0x7b;
const OPEN_BRACKET = 0x5b;
const COMMA = 0x2c;
const COLON = 0x3a;

export type JsonKind = "object" | "array" | "string" | "number" | "bool" | "null";

/** A well-formed value at the beginning of `bytes`, and where it begins and ends. */
export interface JsonValueText {
  readonly kind: "value";
  readonly text: JsonText;
  readonly start: number;
  readonly end: number;
}

export type JsonScan =
  | JsonValueText
  /** Nothing but white space. */
  | { readonly kind: "empty" }
  | { readonly kind: "malformed"; readonly message: string }
  /** More objects and arrays than `LIMITS.jsonPartsMax`. */
  | { readonly kind: "too-many-parts" };

/** Where objects and arrays begin and end, in the order of their beginnings. */
interface Containers {
  readonly starts: number[];
  readonly ends: number[];
}

/**
 * Reads the first JSON value from `from` on; what follows it is left alone, as Go's decoder of a
 * stream does it. A text that ends too early is "unexpected EOF".
 */
export function scanJson(bytes: Uint8Array, from = 0): JsonScan {
  const scanner = new JsonScanner();
  const containers: Containers = { starts: [], ends: [] };
  const open: number[] = [];
  let start = from;
  while (start < bytes.length && isSpace(defined(bytes[start], "within the text"))) start += 1;
  if (start === bytes.length) return { kind: "empty" };
  for (let offset = start; offset < bytes.length; offset += 1) {
    const byte = defined(bytes[offset], "within the text");
    if (scanner.isInString && byte >= 0x20 && byte !== QUOTE && byte !== BACKSLASH) continue;
    const depth = scanner.depth;
    scanner.step(byte);
    // A value that has ended is good, whatever ended it.
    if (scanner.error !== null && !scanner.isDone) return { kind: "malformed", message: scanner.error };
    if (scanner.depth > depth) {
      if (containers.starts.length >= LIMITS.jsonPartsMax) return { kind: "too-many-parts" };
      open.push(containers.starts.length);
      containers.starts.push(offset);
      containers.ends.push(0);
    } else if (scanner.depth < depth) {
      containers.ends[defined(open.pop(), "what ends has begun")] = offset + 1;
    }
    if (scanner.isDone) {
      const end = depth > 0 ? offset + 1 : offset;
      return { kind: "value", text: new JsonText(bytes, containers), start, end };
    }
  }
  scanner.step(0x20);
  if (!scanner.isDone) return { kind: "malformed", message: "unexpected EOF" };
  return { kind: "value", text: new JsonText(bytes, containers), start, end: bytes.length };
}

/** Why `bytes` as a whole are not one JSON value, in Go's words; null if they are. */
export function wholeJsonError(bytes: Uint8Array): string | null {
  const scanner = new JsonScanner();
  for (const byte of bytes) {
    scanner.step(byte);
    if (scanner.error !== null) return scanner.error;
  }
  if (scanner.isDone) return null;
  scanner.step(0x20);
  if (scanner.isDone) return null;
  return scanner.error ?? "unexpected end of JSON input";
}

export class JsonText {
  readonly bytes: Uint8Array;
  readonly #containers: Containers;

  constructor(bytes: Uint8Array, containers: Containers) {
    this.bytes = bytes;
    this.#containers = containers;
  }

  kindAt(offset: number): JsonKind {
    switch (this.bytes[offset]) {
      case OPEN_BRACE:
        return "object";
      case OPEN_BRACKET:
        return "array";
      case QUOTE:
        return "string";
      case 0x74:
      case 0x66:
        return "bool";
      case 0x6e:
        return "null";
      default:
        return "number";
    }
  }

  /** The offset after the value at `offset`. */
  endOf(offset: number): number {
    switch (this.kindAt(offset)) {
      case "object":
      case "array":
        return this.#containerEnd(offset);
      case "string":
        return this.#stringEnd(offset);
      default:
        return this.#scalarEnd(offset);
    }
  }

  /** Names and values of the object at `offset`, in their order. */
  *members(offset: number): Generator<{ readonly name: string; readonly value: number }, void> {
    const end = this.#containerEnd(offset) - 1;
    for (let at = this.#skipSpace(offset + 1); at < end; ) {
      const nameEnd = this.#stringEnd(at);
      const colon = this.#skipSpace(nameEnd);
      assert(this.bytes[colon] === COLON, "a name is followed by a colon");
      const value = this.#skipSpace(colon + 1);
      yield { name: this.stringAt(at), value };
      at = this.#next(this.endOf(value));
    }
  }

  /** The items of the array at `offset`. */
  *items(offset: number): Generator<number, void> {
    const end = this.#containerEnd(offset) - 1;
    for (let at = this.#skipSpace(offset + 1); at < end; ) {
      yield at;
      at = this.#next(this.endOf(at));
    }
  }

  /** The bytes between the quotes of the string at `offset`, escapes as they stand. */
  rawStringAt(offset: number): Uint8Array {
    return this.bytes.subarray(offset + 1, this.#stringEnd(offset) - 1);
  }

  /** The string at `offset`, escapes resolved; what is no UTF-8, and lone surrogates, become U+FFFD. */
  stringAt(offset: number): string {
    const raw = fromUtf8(this.rawStringAt(offset));
    if (!raw.includes("\\")) return raw;
    const parsed: unknown = JSON.parse(`"${raw}"`);
    if (typeof parsed !== "string") throw new InvariantError("a JSON string is a string");
    return parsed.toWellFormed();
  }

  /** The number, `true`, `false` or `null` at `offset`, as written. */
  scalarAt(offset: number): string {
    return fromUtf8(this.bytes.subarray(offset, this.#scalarEnd(offset)));
  }

  #skipSpace(offset: number): number {
    let at = offset;
    while (isSpace(this.bytes[at] ?? 0)) at += 1;
    return at;
  }

  /** From the end of one element to the beginning of the next, or to the closing bracket. */
  #next(offset: number): number {
    const at = this.#skipSpace(offset);
    return this.bytes[at] === COMMA ? this.#skipSpace(at + 1) : at;
  }

  #containerEnd(offset: number): number {
    const { starts, ends } = this.#containers;
    let low = 0;
    let high = starts.length - 1;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((starts[middle] ?? 0) < offset) low = middle + 1;
      else high = middle;
    }
    assert(starts[low] === offset, `no object or array begins at ${offset}`);
    return ends[low] ?? 0;
  }

  #stringEnd(offset: number): number {
    for (let at = offset + 1; ; at += 1) {
      const byte = defined(this.bytes[at], "a string ends");
      if (byte === QUOTE) return at + 1;
      if (byte === BACKSLASH) at += 1;
    }
  }

  #scalarEnd(offset: number): number {
    let at = offset;
    for (; at < this.bytes.length; at += 1) {
      const byte = defined(this.bytes[at], "within the text");
      if (isSpace(byte) || byte === COMMA || byte === 0x5d || byte === 0x7d) break;
    }
    return at;
  }
}
