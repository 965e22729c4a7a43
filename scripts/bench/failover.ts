/** How long writes stay unanswered when the leader's process is killed. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Member } from "../chaos/cluster.ts";
import type { ReplicaProcesses } from "./subjects/replica-processes.ts";

/** Writes before the kill, so that nobody sleeps. */
const WARM_MS = 1_000;
/** A new write leaves so often, to the survivors in turn. */
const PROBE_EVERY_MS = 25;
const DEADLINE_MS = 60_000;
/** A write of before the kill, or one of those that are sent after it. */
const REQUEST_MS = 15_000;

/**
 * Kills the leader (SIGKILL of both its processes) and answers the milliseconds until the first write
 * that was sent afterwards is acknowledged. The member is started again.
 */
export async function failoverMs({ cluster }: ReplicaProcesses, signal: AbortSignal): Promise<number> {
  const leader = await warmUp(cluster.members, signal);
  const survivors = cluster.members.filter(({ name }) => name !== leader);
  const killedMs = performance.now();
  const killed = cluster.kill(leader);
  const acknowledgedMs = await firstAcknowledged(survivors, signal);
  await killed;
  await cluster.restart([leader]);
  return acknowledgedMs - killedMs;
}

/** Writes for a while; answers who leads. */
async function warmUp(members: readonly Member[], signal: AbortSignal): Promise<string> {
  const endMs = performance.now() + WARM_MS;
  let leader: string | null = null;
  for (let n = 0; performance.now() < endMs || leader === null; n += 1) {
    signal.throwIfAborted();
    const member = members[n % members.length];
    if (member !== undefined) leader = await write(member, signal).catch(() => leader);
  }
  return leader;
}

async function firstAcknowledged(members: readonly Member[], signal: AbortSignal): Promise<number> {
  const startMs = performance.now();
  const done = new AbortController();
  const either = AbortSignal.any([signal, done.signal]);
  let acknowledgedMs: number | null = null;
  const note = (): void => {
    acknowledgedMs ??= performance.now();
  };
  for (let n = 0; acknowledgedMs === null; n += 1) {
    signal.throwIfAborted();
    if (performance.now() - startMs > DEADLINE_MS) throw new Error("no write was acknowledged after a kill");
    const member = members[n % members.length];
    // A refused one is followed by others.
    if (member !== undefined) write(member, either).then(note, () => undefined);
    await sleep(PROBE_EVERY_MS);
  }
  done.abort();
  return acknowledgedMs;
}

/** Answers the name of the leader that acknowledged. */
async function write({ url }: Member, signal: AbortSignal): Promise<string | null> {
  const answer = await fetch(`${url}/kv/failover`, {
    method: "PUT",
    body: "x",
    signal: AbortSignal.any([signal, AbortSignal.timeout(REQUEST_MS)]),
  });
  await answer.arrayBuffer();
  if (!answer.ok) throw new Error(`refused with ${answer.status}`);
  return answer.headers.get("x-edged-leader");
}
