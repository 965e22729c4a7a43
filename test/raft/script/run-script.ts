/**
 * Runs a story written as text:
 *
 *   # Comments tell the story.
 *   propose 1 x
 *   ----
 *   accepted as 1/2
 *
 * The output of a command stands below its dashes and ends at an empty line. Running gives the same
 * text with the output that came out now, so that comparing is comparing texts.
 */
import { Args, ScriptError } from "./args.ts";
import { CLIENT_VERBS } from "./client-verbs.ts";
import { DISK_VERBS } from "./disk-verbs.ts";
import { NETWORK_VERBS } from "./network-verbs.ts";
import { NODE_VERBS } from "./node-verbs.ts";
import { Story } from "./story.ts";
import { TIME_VERBS } from "./time-verbs.ts";
import type { Verb } from "./verb.ts";

const VERBS: Readonly<Record<string, Verb>> = {
  ...NODE_VERBS,
  ...NETWORK_VERBS,
  ...TIME_VERBS,
  ...CLIENT_VERBS,
  ...DISK_VERBS,
};

const SEPARATOR = "----";

export function runScript(text: string): string {
  const story = new Story();
  const written: string[] = [];
  const lines = text.split("\n");
  for (let i = 0; i < lines.length; i += 1) {
    const line = lines[i] ?? "";
    written.push(line);
    if (line.trim() === "" || line.startsWith("#")) continue;
    i = skipOutput(lines, i);
    const output = runCommand(story, line, i);
    written.push(SEPARATOR, ...output);
    if (lines[i + 1] !== "") written.push("");
  }
  return written.join("\n");
}

/** The index of the last line of the command's present output. */
function skipOutput(lines: readonly string[], command: number): number {
  if (lines[command + 1] !== SEPARATOR) return command;
  let last = command + 1;
  while (last + 1 < lines.length && lines[last + 1] !== "") last += 1;
  return last;
}

function runCommand(story: Story, line: string, number: number): string[] {
  const [name = "", ...words] = line.trim().split(/\s+/);
  const verb = VERBS[name];
  if (verb === undefined) throw new ScriptError(`line ${number}: there is no verb "${name}"`);
  const args = new Args(words);
  try {
    verb(story, args);
    args.end();
  } catch (error) {
    if (error instanceof Error) error.message = `at "${line}": ${error.message}`;
    throw error;
  }
  const output = story.take();
  return output.length === 0 ? ["ok"] : output;
}
