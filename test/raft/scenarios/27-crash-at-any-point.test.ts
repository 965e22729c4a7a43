/**
 * 27, continued: whatever part of the three terms' writes is durable when node 3 crashes, it comes back
 * with a legal log and ends equal to the others. The invariants watch every step of the story.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { runScript } from "../script/run-script.ts";

const story = readFileSync(join(import.meta.dirname, "../golden/27-aba.txt"), "utf8");
const [begin = ""] = story.split("# What term 1 wrote");

/** What the last command of the script printed. */
function lastOutput(script: string): string[] {
  const written = runScript(script).trim().split("\n");
  return written.slice(written.lastIndexOf("----") + 1);
}

test("the story holds back three writes", () => {
  expect(lastOutput(`${begin}\nflush 3 3`)).toEqual(["0 pending"]);
  expect(lastOutput(`${begin}\nflush 3 2`)).toEqual(["1 pending"]);
});

test.each([
  [0, ['1/2 "base"']],
  [1, ['1/2 "base"', '1/3 "one"']],
  [2, ['1/2 "base"', "2/3 empty"]],
  [3, ['1/2 "base"', "3/3 empty"]],
])("a crash after %i of them", (durable, log) => {
  const crash = `${begin}\nflush 3 ${durable}\n\ncrash 3\n\nlog 3 durable`;
  expect(lastOutput(crash)).toEqual(["1/1 empty", ...log]);
  const recovery = "flush 3 all\n\nrestart 3\n\nrestart 1\n\nrestart 2\n\nrun 10000\n\nsame 4 1 2 3 5 6 7";
  expect(lastOutput(`${crash}\n\n${recovery}`)).toEqual(
    ["1", "2", "3", "5", "6", "7"].map((id) => `${id}: same`),
  );
});
