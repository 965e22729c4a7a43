/** `npm start` as a newcomer runs it: no terminal, and any way of ending it. */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { expect, test } from "vitest";
import { freePorts, isFree } from "../../scripts/cluster/ports.ts";
import { guardGroup } from "../../scripts/lib/guardian.mjs";
import { KV } from "../../src/wire/gen/etcd/rpc_pb.ts";
import { utf8 } from "../../src/wire/text.ts";
import { until } from "../harness/processes.ts";

const root = resolve(import.meta.dirname, "..", "..");

interface Started {
  readonly script: ChildProcess;
  readonly output: () => string;
  readonly ended: Promise<number | null>;
}

/** Runs `npm start`, or the script alone, whose process can then be hurt by itself. */
function start(command: readonly [string, ...string[]], env: Readonly<Record<string, string>>): Started {
  const [program, ...args] = command;
  const script = spawn(program, args, {
    cwd: root,
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
  });
  if (script.pid !== undefined) guardGroup(script.pid);
  let output = "";
  for (const stream of [script.stdout, script.stderr]) {
    stream?.on("data", (text: Buffer) => {
      output += text.toString();
    });
  }
  return { script, output: () => output, ended: new Promise((end) => script.once("close", end)) };
}

async function untilServing({ output }: Started, url: string): Promise<void> {
  await until("npm start says where it listens", async () =>
    output().includes(`listens on ${url}`) ? true : null,
  );
}

test("serves, says how to use it, ends with npm, and has everything after a restart", async () => {
  const persistTo = mkdtempSync(join(tmpdir(), "edged-start-"));
  const [port = 0, grpcPort = 0] = await freePorts(2);
  const url = `http://127.0.0.1:${port}`;
  const env = { PORT: String(port), GRPC_PORT: String(grpcPort), PERSIST_TO: persistTo };
  try {
    const first = start(["npm", "start"], env);
    await untilServing(first, url);
    expect(first.output().match(/curl .*/g)).toHaveLength(3);
    const written = await until("a write is acknowledged", async () => {
      const response = await fetch(`${url}/kv/name`, { method: "PUT", body: "John" });
      return response.ok ? response.headers.get("etag") : null;
    });
    expect(first.output()).toContain(`etcdctl --endpoints=127.0.0.1:${grpcPort} `);
    const bridged = createClient(KV, createGrpcTransport({ baseUrl: `http://127.0.0.1:${grpcPort}` }));
    expect((await bridged.range({ key: utf8("name") })).count).toBe(1n);
    first.script.kill("SIGTERM");
    for (const used of [port, grpcPort]) {
      await until("the port is free again", async () => ((await isFree(used)) ? true : null));
    }

    // Somebody else has the port for gRPC: the rest serves all the same.
    const other = createServer();
    await new Promise<void>((listening) => other.listen(grpcPort, "127.0.0.1", listening));

    const second = start([process.execPath, "scripts/start.mjs"], env);
    await untilServing(second, url);
    const read = await until("the key is read", async () => {
      const response = await fetch(`${url}/kv/name`);
      return response.ok ? response : null;
    });
    expect(await read.text()).toBe("John");
    expect(read.headers.get("etag")).toBe(written);
    expect(second.output()).toContain(`port ${grpcPort} on 127.0.0.1 is taken by another process`);
    other.close();
    second.script.kill("SIGKILL");
    await until("the port is free again", async () => ((await isFree(port)) ? true : null));
  } finally {
    rmSync(persistTo, { recursive: true, force: true });
  }
});

test("a taken or impossible port is an error that names PORT", async () => {
  const [port = 0] = await freePorts(1);
  const other = createServer();
  await new Promise<void>((listening) => other.listen(port, "127.0.0.1", listening));
  const taken = start([process.execPath, "scripts/start.mjs"], { PORT: String(port) });
  expect(await taken.ended).toBe(1);
  expect(taken.output()).toContain(`port ${port} on 127.0.0.1 is taken by another process`);
  expect(taken.output()).toContain(`PORT=${port + 1} npm start`);
  other.close();
  const wrong = start([process.execPath, "scripts/start.mjs"], { PORT: "http" });
  expect(await wrong.ended).toBe(1);
  expect(wrong.output()).toContain('PORT is "http"');
});
