// @ts-check
/** A lease that is kept alive as long as the command runs. */
import { randomBytes } from "node:crypto";
import { GRPC } from "./client.mjs";
import { CliError, EXIT } from "./errors.mjs";
import { pause } from "./interrupt.mjs";
import { child, int } from "./message.mjs";

/** @typedef {import("./client.mjs").Client} Client */

/**
 * Runs something with a lease of its own and gives the lease back at the end, however it ends. The
 * signal is also aborted when the lease is lost; then this fails.
 * @template Result
 * @param {Client} client
 * @param {number} ttlSeconds
 * @param {AbortSignal} outer
 * @param {(lease: string, signal: AbortSignal) => Promise<Result>} run
 * @returns {Promise<Result>}
 */
export async function withLease(client, ttlSeconds, outer, run) {
  // An id of our own, so that it can be given back even if the answer is lost.
  const lease = (BigInt(`0x${randomBytes(8).toString("hex")}`) >> 1n).toString();
  const lost = new AbortController();
  const ended = new AbortController();
  const stop = () => lost.abort();
  outer.addEventListener("abort", stop, { once: true });
  if (outer.aborted) stop();
  try {
    await client.call("lease/grant", { TTL: String(ttlSeconds), ID: lease }, { isWrite: true });
    const kept = keepAlive(client, lease, ttlSeconds, ended.signal).catch(() => stop());
    const result = await run(lease, lost.signal);
    ended.abort();
    await kept;
    return result;
  } catch (error) {
    if (lost.signal.aborted && !outer.aborted) throw new CliError("session expired");
    throw error;
  } finally {
    ended.abort();
    outer.removeEventListener("abort", stop);
    await giveBack(client, lease);
  }
}

/**
 * Renews at a third of the time; rejects when the lease is gone.
 * @param {Client} client
 * @param {string} lease
 * @param {number} ttlSeconds
 * @param {AbortSignal} signal
 */
async function keepAlive(client, lease, ttlSeconds, signal) {
  const everyMs = (ttlSeconds * 1_000) / 3;
  let goodUntilMs = performance.now() + ttlSeconds * 1_000;
  for (;;) {
    await pause(everyMs, signal);
    if (signal.aborted) return;
    try {
      const options = { signal, timeoutMs: Math.max(everyMs, 1_000) };
      const answer = await client.call("lease/keepalive", { ID: lease }, options);
      if (int(child(answer, "result"), "TTL") <= 0n)
        throw new CliError("session expired", EXIT.failure, { grpcCode: GRPC.notFound });
      goodUntilMs = performance.now() + ttlSeconds * 1_000;
    } catch (error) {
      if (signal.aborted) return;
      const isGone = error instanceof CliError && error.grpcCode === GRPC.notFound;
      if (isGone || performance.now() > goodUntilMs) throw error;
    }
  }
}

/**
 * @param {Client} client
 * @param {string} lease
 */
async function giveBack(client, lease) {
  try {
    await client.call("lease/revoke", { ID: lease });
  } catch {
    // It ends by itself, a little later.
  }
}
