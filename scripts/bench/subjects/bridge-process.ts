/** The gRPC bridge in a process of its own, in front of a gateway. */
import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { guardGroup } from "../../lib/guardian.mjs";
import type { Subject } from "./subject.ts";

const SCRIPT = join(import.meta.dirname, "..", "..", "bridge", "main.ts");

/** Resolves when it listens. It does the gateway's work too, so the gateway's processes count as its own. */
export async function startBridgeProcess(gateway: Subject): Promise<Subject> {
  const args = [SCRIPT, "--endpoints", gateway.urls.join(","), "--listen", "127.0.0.1:0"];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "pipe"], detached: true });
  if (child.pid !== undefined) guardGroup(child.pid);
  const url = await listening(child);
  return {
    urls: [url],
    pids: [...gateway.pids, ...(child.pid === undefined ? [] : [child.pid])],
    [Symbol.asyncDispose]: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const ended = new Promise((exit) => child.once("exit", exit));
      child.kill("SIGKILL");
      await ended;
    },
  };
}

function listening(child: ChildProcess): Promise<string> {
  return new Promise((found, failed) => {
    let problem = "";
    child.stderr?.on("data", (text: Buffer) => {
      problem += text.toString();
    });
    child.on("error", failed);
    child.on("exit", () => failed(new Error(`the bridge ended: ${problem.trim()}`)));
    if (child.stdout === null) return;
    createInterface({ input: child.stdout }).on("line", (line) => {
      const url = /listens on (\S+),/.exec(line)?.[1];
      if (url !== undefined) found(url);
    });
  });
}
