/**
 * Go's JSON scanner, byte for byte: the same texts are accepted, and the same message names the first
 * byte that is not. Source: Go `encoding/json/scanner.go`.
 */
import { assertNever } from "../../base/assert.ts";
import { quoteByte } from "./go-quote.ts";

/** Go's own bound on nesting. */
const DEPTH_MAX = 10_000;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const COMMA = 0x2c;
const COLON = 0x3a;
const MINUS = 0x2d;
const PLUS = 0x2b;
const POINT = 0x2e;
const ZERO = 0x30;

/** Bytes that may follow a backslash in a string, besides `u`. */
const SIMPLE_ESCAPES = '"\\/bfnrt';
const LITERALS = ["true", "false", "null"] as const;

type NumberState =
  | "minus"
  | "zero"
  | "digits"
  | "point"
  | "fraction"
  | "exponent"
  | "exponent-sign"
  | "exponent-digits";

type State =
  | NumberState
  | "value"
  | "value-or-end"
  | "name"
  | "name-or-end"
  | "string"
  | "escape"
  | "hex"
  | "literal"
  | "after-value"
  | "top"
  | "failed";

type Level = "object-name" | "object-value" | "array";

export function isSpace(byte: number): boolean {
  return byte === 0x20 || byte === 0x09 || byte === 0x0a || byte === 0x0d;
}

function isDigit(byte: number): boolean {
  return byte >= ZERO && byte <= 0x39;
}

function isHexDigit(byte: number): boolean {
  const lower = byte | 0x20;
  return isDigit(byte) || (lower >= 0x61 && lower <= 0x66);
}

/** Reads one JSON text. `step` is fed byte after byte until `isDone` or `error`. */
export class JsonScanner {
  #state: State = "value";
  readonly #levels: Level[] = [];
  #literal = "";
  /** Characters of the literal, or hexadecimal digits of an escape, that have come. */
  #count = 0;
  #error: string | null = null;
  #isDone = false;

  /** Why the text is not JSON; Go's words. */
  get error(): string | null {
    return this.#error;
  }

  /** The value has ended; of a number or literal this is known one byte late, whatever that byte is. */
  get isDone(): boolean {
    return this.#isDone;
  }

  /** Inside a string, where most bytes change nothing. */
  get isInString(): boolean {
    return this.#state === "string";
  }

  /** How many objects and arrays are open. */
  get depth(): number {
    return this.#levels.length;
  }

  step(byte: number): void {
    this.#state = this.#next(byte);
  }

  #next(byte: number): State {
    switch (this.#state) {
      case "value":
        return this.#value(byte);
      case "value-or-end":
        return byte === CLOSE_BRACKET ? this.#close() : this.#value(byte);
      case "name":
      case "name-or-end":
        return this.#name(byte);
      case "string":
      case "escape":
      case "hex":
        return this.#string(byte);
      case "literal":
        return this.#inLiteral(byte);
      case "after-value":
        return this.#afterValue(byte);
      case "top":
        return isSpace(byte) ? "top" : this.#fail(byte, "after top-level value");
      case "failed":
        return "failed";
      default:
        return this.#number(this.#state, byte);
    }
  }

  #fail(byte: number, context: string): State {
    this.#error = `invalid character ${quoteByte(byte)} ${context}`;
    return "failed";
  }

  #value(byte: number): State {
    if (isSpace(byte)) return this.#state;
    if (byte === OPEN_BRACE) return this.#open(byte, "object-name", "name-or-end");
    if (byte === OPEN_BRACKET) return this.#open(byte, "array", "value-or-end");
    if (byte === QUOTE) return "string";
    if (byte === MINUS) return "minus";
    if (byte === ZERO) return "zero";
    if (isDigit(byte)) return "digits";
    const literal = LITERALS.find((word) => word.charCodeAt(0) === byte);
    if (literal === undefined) return this.#fail(byte, "looking for beginning of value");
    this.#literal = literal;
    this.#count = 1;
    return "literal";
  }

  #open(byte: number, level: Level, next: State): State {
    this.#levels.push(level);
    return this.#levels.length > DEPTH_MAX ? this.#fail(byte, "exceeded max depth") : next;
  }

  #close(): State {
    this.#levels.pop();
    this.#isDone = this.#levels.length === 0;
    return this.#isDone ? "top" : "after-value";
  }

  #name(byte: number): State {
    if (isSpace(byte)) return this.#state;
    if (byte === QUOTE) return "string";
    if (byte === CLOSE_BRACE && this.#state === "name-or-end") return this.#close();
    return this.#fail(byte, "looking for beginning of object key string");
  }

  #string(byte: number): State {
    if (this.#state === "string") {
      if (byte === QUOTE) return "after-value";
      if (byte === BACKSLASH) return "escape";
      return byte < 0x20 ? this.#fail(byte, "in string literal") : "string";
    }
    if (this.#state === "escape") {
      this.#count = 0;
      if (SIMPLE_ESCAPES.includes(String.fromCharCode(byte))) return "string";
      return byte === 0x75 ? "hex" : this.#fail(byte, "in string escape code");
    }
    if (!isHexDigit(byte)) return this.#fail(byte, "in \\u hexadecimal character escape");
    this.#count += 1;
    return this.#count === 4 ? "string" : "hex";
  }

  #inLiteral(byte: number): State {
    const expected = this.#literal.charCodeAt(this.#count);
    if (byte !== expected) {
      return this.#fail(byte, `in literal ${this.#literal} (expecting ${quoteByte(expected)})`);
    }
    this.#count += 1;
    return this.#count === this.#literal.length ? "after-value" : "literal";
  }

  #number(state: NumberState, byte: number): State {
    const digit = isDigit(byte);
    const isExponent = byte === 0x65 || byte === 0x45;
    switch (state) {
      case "minus":
        if (!digit) return this.#fail(byte, "in numeric literal");
        return byte === ZERO ? "zero" : "digits";
      case "digits":
      case "zero":
        if (digit && state === "digits") return "digits";
        if (byte === POINT) return "point";
        return isExponent ? "exponent" : this.#afterValue(byte);
      case "point":
        return digit ? "fraction" : this.#fail(byte, "after decimal point in numeric literal");
      case "fraction":
        if (digit) return "fraction";
        return isExponent ? "exponent" : this.#afterValue(byte);
      case "exponent":
      case "exponent-sign":
        if (state === "exponent" && (byte === PLUS || byte === MINUS)) return "exponent-sign";
        return digit ? "exponent-digits" : this.#fail(byte, "in exponent of numeric literal");
      case "exponent-digits":
        return digit ? "exponent-digits" : this.#afterValue(byte);
      default:
        return assertNever(state, "a number's state");
    }
  }

  #afterValue(byte: number): State {
    const level = this.#levels.at(-1);
    if (level === undefined) {
      this.#isDone = true;
      return isSpace(byte) ? "top" : this.#fail(byte, "after top-level value");
    }
    if (isSpace(byte)) return "after-value";
    switch (level) {
      case "object-name":
        if (byte !== COLON) return this.#fail(byte, "after object key");
        this.#levels[this.#levels.length - 1] = "object-value";
        return "value";
      case "object-value":
        if (byte === CLOSE_BRACE) return this.#close();
        if (byte !== COMMA) return this.#fail(byte, "after object key:value pair");
        this.#levels[this.#levels.length - 1] = "object-name";
        return "name";
      case "array":
        if (byte === CLOSE_BRACKET) return this.#close();
        return byte === COMMA ? "value" : this.#fail(byte, "after array element");
      default:
        return assertNever(level, "a level");
    }
  }
}
