/**
 * The load generator: so many clients, each sending its next request when its last was answered
 * (a closed loop). It does not know what the requests are.
 */
import { performance } from "node:perf_hooks";
import { quantile } from "./statistics.ts";

/** One client, which waits for an answer before it sends its next request. */
export interface Client {
  /** Sends its n-th request and waits for the whole answer; false when it was refused. */
  call(n: number): Promise<boolean>;
  close(): Promise<void>;
}

export interface Measured {
  /** Successful requests. */
  readonly count: number;
  readonly failed: number;
  /** Successful requests a second. */
  readonly rate: number;
  /** Milliseconds. */
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

/** Failures in a row after which a client gives up: what cannot be reached is not worth the whole round. */
const FAILURES_MAX = 20;

/** Loads for `durationMs` what the clients are connected to; each has its first request answered before. */
export async function drive(
  clients: readonly Client[],
  durationMs: number,
  signal: AbortSignal,
): Promise<Measured> {
  const latencies: number[] = [];
  let failed = 0;
  await Promise.all(clients.map((client) => client.call(0).catch(() => false)));
  const startMs = performance.now();
  const endMs = startMs + durationMs;
  const run = async (client: Client): Promise<void> => {
    let failures = 0;
    for (let n = 1; failures < FAILURES_MAX && !signal.aborted; n += 1) {
      const sentMs = performance.now();
      if (sentMs >= endMs) return;
      const succeeded = await client.call(n).catch(() => false);
      if (succeeded) latencies.push(performance.now() - sentMs);
      else failed += 1;
      failures = succeeded ? 0 : failures + 1;
    }
  };
  await Promise.all(clients.map(run));
  const seconds = (performance.now() - startMs) / 1000;
  latencies.sort((a, b) => a - b);
  return {
    count: latencies.length,
    failed,
    rate: latencies.length / seconds,
    p50: quantile(latencies, 0.5),
    p99: quantile(latencies, 0.99),
    max: latencies.at(-1) ?? Number.NaN,
  };
}
