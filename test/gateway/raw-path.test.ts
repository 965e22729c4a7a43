import fc from "fast-check";
import { expect, it } from "vitest";
import { rawPath } from "../../src/gateway/key-path.ts";

const part = fc.constantFrom(
  ...[
    "a",
    "Z9",
    "_",
    "~",
    "-",
    ".",
    "..",
    ".a",
    "/",
    "//",
    "/.",
    "/..",
    ":",
    "@",
    "\\",
    "%2e",
    "%2F",
    "é",
    " ",
    "?",
    "#",
    "\t",
    "|",
    "*",
  ],
);
const url = fc
  .tuple(fc.constantFrom("http", "https"), fc.constantFrom("host", "host:8787", "u@host"), fc.array(part))
  .map(([scheme, host, parts]) => `${scheme}://${host}${parts.length === 0 ? "" : "/"}${parts.join("")}`);

it("finds the path that the parser finds", () => {
  fc.assert(
    fc.property(url, (text) => {
      expect(rawPath({ url: text })).toBe(new URL(text).pathname);
    }),
    { numRuns: 5_000 },
  );
});
