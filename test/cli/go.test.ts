import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { goBytes, goDuration, goJson, goQuote, goUnquote } from "../../scripts/cli/print/go.mjs";

describe("Go's quoting", () => {
  test.each([
    ["plain", '"plain"'],
    ['a"b\\c', '"a\\"b\\\\c"'],
    ["\n\t\x00\x7f", '"\\n\\t\\x00\\x7f"'],
    ["schlüssel 😀", '"schlüssel 😀"'],
    ["\u00a0\u200b", '"\\u00a0\\u200b"'],
  ])("%j", (text, quoted) => {
    expect(goQuote(text)).toBe(quoted);
  });

  test("bytes that are no text", () => {
    expect(goQuote(new Uint8Array([0x61, 0xff, 0xc3]))).toBe('"a\\xff\\xc3"');
  });

  test("any bytes come back, with what stands behind", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 20 }), fc.string(), (bytes, rest) => {
        const back = goUnquote(`${goQuote(bytes)}${rest}`);
        expect(new Uint8Array(back?.value ?? [])).toEqual(bytes);
        expect(back?.rest).toBe(rest);
      }),
    );
  });

  test.each(['"open', "none", '"\\q"', '"\\U00110000"'])("%j is none", (source) => {
    expect(goUnquote(source)).toBeNull();
  });
});

test("JSON of 64-bit numbers, escaped as Go does", () => {
  expect(goJson({ id: 2n ** 64n - 1n, text: "<&>\u2028", list: [null, true, 1.5], none: undefined })).toBe(
    '{"id":18446744073709551615,"text":"\\u003c\\u0026\\u003e\\u2028","list":[null,true,1.5]}',
  );
});

test.each([
  [1.688292, "1.688292ms"],
  [0.0125, "12.5µs"],
  [5001.141538, "5.001141538s"],
  [61_500, "1m1.5s"],
  [0, "0s"],
])("%d ms", (milliseconds, text) => {
  expect(goDuration(milliseconds)).toBe(text);
});

test.each([
  [9n, "9 B"],
  [20_480n, "20 kB"],
  [1_550_000n, "1.6 MB"],
  [82_854_982n, "83 MB"],
])("%d bytes", (size, text) => {
  expect(goBytes(size)).toBe(text);
});
