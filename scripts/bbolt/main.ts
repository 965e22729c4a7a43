/** Run by the command line (scripts/cli/convert.mjs), which has no TypeScript itself. */
import { convertFile, problemOf, statusOfFile } from "./package.ts";

/** `main.ts FROM TO` converts, `main.ts FILE` tells the status as JSON. Answers the exit code. */
export async function main([from = "", to]: readonly string[]): Promise<number> {
  try {
    console.log(to === undefined ? JSON.stringify(await statusOfFile(from)) : await convertFile(from, to));
    return 0;
  } catch (error) {
    const problem = problemOf(error);
    if (problem === null) throw error;
    console.error(`${from}: ${problem}`);
    return 1;
  }
}

if (import.meta.main) process.exitCode = await main(process.argv.slice(2));
