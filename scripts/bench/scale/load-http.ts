/** Loads for curves: many clients on the plain dialect. */
import { type HttpRequest, httpClient } from "../http-client.ts";
import { load, type Round } from "../load.ts";
import { plainGet, plainPut, type RequestOf } from "../requests.ts";
import type { Subject } from "../subjects/subject.ts";
import type { ScaleContext } from "./curve.ts";

export const CLIENTS = 32;
const WARM_BYTES = 64;

export function loadHttp(
  subject: Subject,
  requestOf: RequestOf<HttpRequest>,
  { durationMs, signal }: ScaleContext,
  clients = CLIENTS,
): Promise<Round> {
  const all = Array.from({ length: clients }, (_, connection) =>
    httpClient(originOf(subject), (n) => requestOf(connection, n)),
  );
  return load(subject, all, durationMs, signal);
}

/** Code that has just been loaded is slow: some load whose figures nobody keeps. */
export async function warmUp(subject: Subject, context: ScaleContext): Promise<void> {
  context.tell("warming up");
  const value = Buffer.alloc(WARM_BYTES, "v");
  for (const request of [
    plainPut("/kv", value),
    plainGet("/kv"),
    plainGet("/kv", "?consistency=serializable"),
  ]) {
    await loadHttp(subject, request, context);
  }
}

/** Where the only gateway of a runtime is. */
export function originOf({ urls: [url] }: Subject): string {
  if (url === undefined) throw new Error("a runtime has a URL");
  return url;
}

/** Numbers below `bound` in no order that a cache would like, the same in every run. */
export function scattered(connection: number, n: number, bound: number): number {
  // Knuth's multiplicative hash, and a large prime to keep clients apart.
  const mixed = Math.imul(n * 7_919 + connection, 2_654_435_761) >>> 0;
  return mixed % bound;
}
