import { expect, it } from "vitest";
import { bytesText, grouped, short, significant } from "../../scripts/bench/numbers.ts";
import { markdownTable, textTable } from "../../scripts/bench/table.ts";

const TABLE = {
  head: ["what", "a second"],
  rows: [["group"], ["  put", "1,234"], ["  get|range", "5"]],
};

it("text: names to the left, numbers to the right, nothing behind the last", () => {
  expect(textTable(TABLE)).toBe(
    ["what         a second", "group", "  put           1,234", "  get|range         5"].join("\n"),
  );
});

it("Markdown: every row with every column, bars in cells escaped", () => {
  expect(markdownTable(TABLE)).toBe(
    ["| what | a second |", "|---|---:|", "| group |  |", "|   put | 1,234 |", "|   get\\|range | 5 |"].join(
      "\n",
    ),
  );
});

it("numbers with three digits that mean something", () => {
  expect([0.01234, 0.1, 1.234, 12.34, 123.4, 1234.5, 98_765].map(significant)).toEqual([
    "0.0123",
    "0.100",
    "1.23",
    "12.3",
    "123",
    "1,230",
    "98,800",
  ]);
  expect([0, Number.NaN].map(significant)).toEqual(["0", "-"]);
  expect([999, 1_000, 1_234_567].map(grouped)).toEqual(["999", "1,000", "1,234,567"]);
  expect([1, 64, 1_000, 16_384, 1_000_000].map(short)).toEqual(["1", "64", "1k", "16.4k", "1M"]);
  expect([64, 1_024, 16_384, 1_048_576].map(bytesText)).toEqual(["64 B", "1 KiB", "16 KiB", "1 MiB"]);
});
