/** Loads for curves: many clients on the plain dialect. */
import { driveAndClose, type Measured } from "../drive.ts";
import { type HttpRequest, httpClient } from "../http-client.ts";
import type { RequestOf } from "../requests.ts";
import type { ScaleContext } from "./curve.ts";

export const CLIENTS = 32;

export function loadHttp(
  origin: string,
  requestOf: RequestOf<HttpRequest>,
  { durationMs, signal }: ScaleContext,
  clients = CLIENTS,
): Promise<Measured> {
  const open = (connection: number) => httpClient(origin, (n) => requestOf(connection, n));
  const all = Array.from({ length: clients }, (_, connection) => open(connection));
  return driveAndClose(all, durationMs, signal);
}

/** Numbers below `bound` in no order that a cache would like, the same in every run. */
export function scattered(connection: number, n: number, bound: number): number {
  // Knuth's multiplicative hash, and a large prime to keep clients apart.
  const mixed = Math.imul(n * 7_919 + connection, 2_654_435_761) >>> 0;
  return mixed % bound;
}
