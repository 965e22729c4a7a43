/** A real etcd of three members, if one is installed. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { closeSync, mkdirSync, openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { freePorts } from "../../cluster/ports.ts";
import { guardGroup } from "../../lib/guardian.mjs";
import type { Subject } from "./subject.ts";
import { temporaryFolder } from "./temporary-folder.ts";

const MEMBERS = 3;
const READY_MS = 60_000;
const POLL_MS = 100;

interface Member {
  readonly name: string;
  readonly client: string;
  readonly peer: string;
}

/** What `etcd --version` says first, or null when there is none. */
export function etcdVersion(): string | null {
  const { status, stdout } = spawnSync("etcd", ["--version"], { encoding: "utf8" });
  return status === 0 ? (stdout.split("\n")[0] ?? "") : null;
}

/** Resolves when every member says that it is healthy. */
export async function startEtcd(): Promise<Subject> {
  const folder = temporaryFolder("edged-bench-etcd-");
  const dir = folder.path;
  const ports = await freePorts(2 * MEMBERS);
  const members = Array.from({ length: MEMBERS }, (_, position) => ({
    name: `m${position + 1}`,
    client: `http://127.0.0.1:${ports[2 * position]}`,
    peer: `http://127.0.0.1:${ports[2 * position + 1]}`,
  }));
  const children = members.map((member) => startMember(dir, member, members));
  const dispose = async (): Promise<void> => {
    await Promise.all(children.map(end));
    folder.remove();
  };
  try {
    await Promise.all(members.map((member) => untilHealthy(dir, member)));
  } catch (error) {
    await dispose();
    throw error;
  }
  return {
    urls: members.map(({ client }) => client),
    pids: children.flatMap(({ pid }) => (pid === undefined ? [] : [pid])),
    [Symbol.asyncDispose]: dispose,
  };
}

function startMember(dir: string, { name, client, peer }: Member, all: readonly Member[]): ChildProcess {
  const data = join(dir, name);
  mkdirSync(data, { mode: 0o700 });
  const log = openSync(join(dir, `${name}.log`), "a");
  const child = spawn(
    "etcd",
    [
      ...["--name", name, "--data-dir", data, "--log-level", "error"],
      ...["--listen-client-urls", client, "--advertise-client-urls", client],
      ...["--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer],
      ...["--initial-cluster", all.map((member) => `${member.name}=${member.peer}`).join(",")],
      ...["--initial-cluster-state", "new"],
    ],
    // A group of its own: Ctrl-C ends this process, which then ends etcd.
    { stdio: ["ignore", log, log], detached: true },
  );
  closeSync(log);
  child.on("error", () => undefined);
  if (child.pid !== undefined) guardGroup(child.pid);
  return child;
}

async function untilHealthy(dir: string, { name, client }: Member): Promise<void> {
  const deadlineMs = performance.now() + READY_MS;
  while (performance.now() < deadlineMs) {
    const response = await fetch(`${client}/health`).catch(() => null);
    if (response?.ok === true) return;
    await sleep(POLL_MS);
  }
  const log = readFileSync(join(dir, `${name}.log`), "utf8").slice(-1_000);
  throw new Error(`etcd at ${client} is not healthy within ${READY_MS} ms: ${log}`);
}

async function end(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((exit) => child.once("exit", exit));
  child.kill("SIGKILL");
  await ended;
}
