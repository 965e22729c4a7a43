/** Choosing ports for a cluster whose owner does not care which. */

import { randomInt } from "node:crypto";
import { createServer } from "node:net";

const HOST = "127.0.0.1";
/** Below the range from which systems give out ports by themselves, so that a stopped member's port stays free. */
const FIRST = 20_000;
const LAST = 31_900;
const ATTEMPTS = 50;

/** So many free ports in a row. */
export async function freePorts(count: number): Promise<readonly number[]> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const first = randomInt(FIRST, LAST - count);
    const ports = Array.from({ length: count }, (_, position) => first + position);
    const free = await Promise.all(ports.map(isFree));
    if (free.every(Boolean)) return ports;
  }
  throw new Error(`no ${count} free ports in a row on ${HOST} between ${FIRST} and ${LAST}`);
}

/** Whether a server can listen on the port now. */
export function isFree(port: number): Promise<boolean> {
  return new Promise((answer) => {
    const server = createServer();
    server.once("error", () => answer(false));
    server.listen(port, HOST, () => server.close(() => answer(true)));
  });
}
