/** A load generator: so many open connections, each sending its next request when the last is answered. */
import { Agent, request } from "node:http";
import { performance } from "node:perf_hooks";

export interface Target {
  readonly name: string;
  readonly method: "GET" | "PUT";
  /** Path of a connection's n-th request. */
  readonly path: (connection: number, n: number) => string;
}

export interface Measured {
  /** Successful requests a second. */
  readonly rate: number;
  readonly failed: number;
  /** Milliseconds. */
  readonly p50: number;
  readonly p99: number;
}

export function send(
  agent: Agent,
  port: number,
  target: Target,
  path: string,
  body: Buffer,
): Promise<number> {
  return new Promise((resolve, reject) => {
    const headers = target.method === "PUT" ? { "content-length": body.length } : {};
    const sent = request(
      { host: "127.0.0.1", port, method: target.method, path, agent, headers },
      (answer) => {
        answer.resume();
        answer.on("end", () => resolve(answer.statusCode ?? 0));
      },
    );
    sent.on("error", reject);
    sent.end(target.method === "PUT" ? body : undefined);
  });
}

/** Loads `target` for `durationMs` over `connections`. */
export async function load(
  port: number,
  target: Target,
  connections: number,
  durationMs: number,
  valueBytes: number,
): Promise<Measured> {
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  const body = Buffer.alloc(valueBytes, "x");
  const latencies: number[] = [];
  let failed = 0;
  const started = performance.now();
  const client = async (connection: number): Promise<void> => {
    for (let n = 0; performance.now() - started < durationMs; n += 1) {
      const before = performance.now();
      const status = await send(agent, port, target, target.path(connection, n), body);
      if (status < 400) latencies.push(performance.now() - before);
      else failed += 1;
    }
  };
  await Promise.all(Array.from({ length: connections }, (_, connection) => client(connection)));
  const seconds = (performance.now() - started) / 1000;
  agent.destroy();
  latencies.sort((a, b) => a - b);
  const quantile = (q: number): number => latencies[Math.floor(latencies.length * q)] ?? Number.NaN;
  return { rate: latencies.length / seconds, failed, p50: quantile(0.5), p99: quantile(0.99) };
}
