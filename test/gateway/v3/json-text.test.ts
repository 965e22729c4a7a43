import fc from "fast-check";
import { describe, expect, it, test } from "vitest";
import { quoteByte, quoteText } from "../../../src/gateway/v3/go-quote.ts";
import { type JsonText, scanJson, wholeJsonError } from "../../../src/gateway/v3/json-text.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

function parse(text: string): unknown {
  try {
    return { value: JSON.parse(text) };
  } catch {
    return null;
  }
}

/** The value at `offset`, by way of everything that a JsonText can tell. */
function valueAt(text: JsonText, offset: number): unknown {
  switch (text.kindAt(offset)) {
    case "object": {
      const members = [...text.members(offset)];
      return Object.fromEntries(members.map(({ name, value }) => [name, valueAt(text, value)]));
    }
    case "array":
      return [...text.items(offset)].map((item) => valueAt(text, item));
    case "string":
      return text.stringAt(offset);
    case "number":
      return Number(text.scalarAt(offset));
    case "bool":
      return text.scalarAt(offset) === "true";
    case "null":
      return null;
  }
}

/** JSON, often broken in one place. */
const almostJson = fc
  .tuple(
    fc.json({ maxDepth: 4, stringUnit: "binary" }),
    fc.nat(),
    fc.constantFrom("", " ", ",", "}", "]", '"', "\\", "1", "-", ".", "e", "x", "\n", "tru", "\u0000"),
    fc.nat(2),
  )
  .map(([json, at, inserted, removed]) => {
    const position = at % (json.length + 1);
    return json.slice(0, position) + inserted + json.slice(position + removed);
  });

describe("a whole text", () => {
  test("is accepted if and only if it is JSON", () => {
    fc.assert(
      fc.property(almostJson, (text) => {
        expect(wholeJsonError(bytes(text)) === null, text).toBe(parse(text) !== null);
      }),
      { numRuns: 2_000 },
    );
  });

  test("is read in place as JSON.parse reads it", () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 4 }), fc.constantFrom(undefined, 1, "\t"), (json, indent) => {
        const expected: unknown = JSON.parse(json);
        const scan = scanJson(bytes(JSON.stringify(expected, null, indent)));
        if (scan.kind !== "value") throw new Error(scan.kind);
        // Zero has no sign, and names are no prototypes.
        const plain = JSON.stringify(valueAt(scan.text, scan.start));
        if (!json.includes("__proto__")) expect(plain).toBe(JSON.stringify(expected));
      }),
      { numRuns: 500 },
    );
  });
});

describe("the first value of a text", () => {
  it.each([
    ['{"a":1} trailing', '{"a":1}'],
    ["[]]", "[]"],
    ["5x", "5"],
    ["nullx", "null"],
    [' \n"a" {', '"a"'],
    ["{}{", "{}"],
    ["12", "12"],
  ])("of %j is %j", (text, first) => {
    const scan = scanJson(bytes(text));
    if (scan.kind !== "value") throw new Error(JSON.stringify(scan));
    expect(text.slice(scan.start, scan.end)).toBe(first);
  });

  it("may be followed by another one", () => {
    const text = bytes('{"a":1}\n{"b":2}');
    const first = scanJson(text);
    const second = scanJson(text, first.kind === "value" ? first.end : 0);
    expect(second).toMatchObject({ kind: "value", start: 8, end: 15 });
    expect(scanJson(text, 15)).toEqual({ kind: "empty" });
  });

  it.each(["", "  ", "\n\t\r "])("is nothing in %j", (text) => {
    expect(scanJson(bytes(text))).toEqual({ kind: "empty" });
  });

  it.each([
    ["{", "unexpected EOF"],
    ['{"key":"YQ==', "unexpected EOF"],
    ["tru", "unexpected EOF"],
    ["-", "unexpected EOF"],
    ['{"key":"YQ==",}', "invalid character '}' looking for beginning of object key string"],
    ["{'key'", "invalid character '\\'' looking for beginning of object key string"],
    ['{"key" 1}', "invalid character '1' after object key"],
    ['{"key":"YQ==" "limit":1}', "invalid character '\"' after object key:value pair"],
    ["[1 2]", "invalid character '2' after array element"],
    ["[,]", "invalid character ',' looking for beginning of value"],
    ["nonsense", "invalid character 'o' in literal null (expecting 'u')"],
    ['"\\u00"', "invalid character '\"' in \\u hexadecimal character escape"],
    ['"\\x"', "invalid character 'x' in string escape code"],
    ['"a\tb"', "invalid character '\\t' in string literal"],
    ["[-x]", "invalid character 'x' in numeric literal"],
    ["[1.]", "invalid character ']' after decimal point in numeric literal"],
    ["[1e]", "invalid character ']' in exponent of numeric literal"],
    ["[01]", "invalid character '1' after array element"],
    ["\ufeff{}", "invalid character 'ï' looking for beginning of value"],
    [`${"[".repeat(10_001)}`, "invalid character '[' exceeded max depth"],
  ])("is not in %.40j", (text, message) => {
    expect(scanJson(bytes(text))).toEqual({ kind: "malformed", message });
  });

  it("has a bounded number of parts", () => {
    expect(scanJson(bytes(`[${"[],".repeat(300_000)}0]`))).toEqual({ kind: "too-many-parts" });
  });
});

describe("a number inside a string", () => {
  it.each([
    ["", "unexpected end of JSON input"],
    ["1 2", "invalid character '2' after top-level value"],
    ["01", "invalid character '1' after top-level value"],
    ["-01", "invalid character '1' after top-level value"],
    ["1.", "invalid character ' ' after decimal point in numeric literal"],
    ["x", "invalid character 'x' looking for beginning of value"],
    ["[1", "unexpected end of JSON input"],
    [" 1 ", null],
  ])("%j: %s", (text, message) => {
    expect(wholeJsonError(bytes(text))).toBe(message);
  });
});

test("Go's quotes", () => {
  expect(quoteText('a"b\\c\n\u007f\u00a0\u{e000}é\u{1f600}\u{e0001}')).toBe(
    '"a\\"b\\\\c\\n\\x7f\\u00a0\\ue000é😀\\U000e0001"',
  );
  expect([0x27, 0x22, 0x5c, 0x00, 0x80, 0xe9].map(quoteByte)).toEqual([
    "'\\''",
    "'\"'",
    "'\\\\'",
    "'\\x00'",
    "'\\u0080'",
    "'é'",
  ]);
});
