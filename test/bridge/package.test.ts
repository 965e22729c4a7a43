/** The bridge as the package has it: one file, without TypeScript and without node_modules. */
import { spawn } from "node:child_process";
import { copyFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { expect, test } from "vitest";
import { KV } from "../../src/wire/gen/etcd/rpc_pb.ts";
import { untilEnded } from "../harness/processes.ts";
import { FakeGateway } from "./fake-gateway.ts";

const root = resolve(import.meta.dirname, "..", "..");

test("the bundle runs anywhere and serves", async () => {
  await run([join(root, "scripts", "pack.mjs")]);
  const folder = mkdtempSync(join(tmpdir(), "edged-package-"));
  try {
    const bundle = join(folder, "bridge.mjs");
    copyFileSync(join(root, "dist", "bridge.mjs"), bundle);
    await using gateway = await FakeGateway.start((router) =>
      router.service(KV, { range: () => ({ count: 3n }) }),
    );
    const args = ["--endpoint", gateway.url, "--listen", "127.0.0.1:0"];
    const program = `import(${JSON.stringify(pathToFileURL(bundle).href)}).then(({ main }) => main(${JSON.stringify(args)}))`;
    const child = spawn(process.execPath, ["-e", program], {
      cwd: folder,
      stdio: ["ignore", "pipe", "inherit"],
    });
    try {
      const url = await new Promise<string>((listens, failed) => {
        child.stdout.once("data", (text: Buffer) => {
          listens(/listens on (\S+),/.exec(text.toString())?.[1] ?? "");
        });
        child.once("exit", (code) => failed(new Error(`the bridge ended with ${code}`)));
      });
      const kv = createClient(KV, createGrpcTransport({ baseUrl: url }));
      expect((await kv.range({})).count).toBe(3n);
    } finally {
      child.kill("SIGTERM");
      if (child.pid !== undefined) await untilEnded(child.pid);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

function run(args: readonly string[]): Promise<void> {
  return new Promise((done, failed) => {
    const child = spawn(process.execPath, args, { cwd: root, stdio: "inherit" });
    child.once("exit", (code) => (code === 0 ? done() : failed(new Error(`${args[0]} ended with ${code}`))));
  });
}
