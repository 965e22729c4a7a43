#!/usr/bin/env node
/** `npx edged`: the command line. Runs on Node 20 and newer without any build. */
import { runCli } from "./cli/program.mjs";

// A reader that has seen enough (`edged get / --prefix | head`) is no failure.
process.stdout.on("error", (error) => {
  if (/** @type {NodeJS.ErrnoException} */ (error).code === "EPIPE") process.exit(0);
  throw error;
});

process.exitCode = await runCli(process.argv.slice(2), {
  env: process.env,
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
});
