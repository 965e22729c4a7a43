/** `edged bridge` as a process of its own, as a user runs it. */
import { type ChildProcess, spawn } from "node:child_process";
import { resolve } from "node:path";
import { guardGroup } from "../../scripts/lib/guardian.mjs";
import { untilEnded } from "../harness/processes.ts";

const MAIN = resolve(import.meta.dirname, "..", "..", "scripts", "bridge", "main.ts");

export class BridgeProcess implements AsyncDisposable {
  /** Where clients connect. */
  readonly url: string;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, url: string) {
    this.#child = child;
    this.url = url;
  }

  static async start(endpoints: readonly string[], ...more: readonly string[]): Promise<BridgeProcess> {
    const args = ["--endpoint", endpoints.join(","), "--listen", "127.0.0.1:0", ...more];
    const child = spawn(process.execPath, [MAIN, ...args], {
      stdio: ["ignore", "pipe", "pipe"],
      detached: true,
    });
    if (child.pid !== undefined) guardGroup(child.pid);
    let output = "";
    const url = await new Promise<string>((listens, failed) => {
      child.stdout.on("data", (text: Buffer) => {
        output += text.toString();
        const found = /listens on (\S+),/.exec(output)?.[1];
        if (found !== undefined) listens(found);
      });
      child.stderr.on("data", (text: Buffer) => {
        output += text.toString();
      });
      child.once("exit", (code) => failed(new Error(`the bridge ended with ${code}: ${output}`)));
    });
    return new BridgeProcess(child, url);
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** Resolves with the exit code. */
  async end(signal: NodeJS.Signals): Promise<number | null> {
    const ended = new Promise<number | null>((end) => this.#child.once("exit", (code) => end(code)));
    this.#child.kill(signal);
    return ended;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGKILL");
    await untilEnded(this.pid);
  }
}
