/** One round of load on something that runs, with the CPU time that it takes there. */
import { type Client, drive, type Measured } from "./drive.ts";
import { cpuTimeMs } from "./machine.ts";
import type { Subject } from "./subjects/subject.ts";

export interface Round extends Measured {
  /** CPU time of all processes that serve it for one request, in microseconds; null where nobody tells. */
  readonly cpuMicros: number | null;
}

/** Loads with these clients and closes them, whatever happens. */
export async function load(
  { pids }: Subject,
  clients: readonly Client[],
  durationMs: number,
  signal: AbortSignal,
): Promise<Round> {
  const before = cpuTimeMs(pids);
  try {
    const measured = await drive(clients, durationMs, signal);
    const after = cpuTimeMs(pids);
    const requests = measured.count + measured.failed;
    const isKnown = before !== null && after !== null && requests > 0;
    return { ...measured, cpuMicros: isKnown ? ((after - before) * 1_000) / requests : null };
  } finally {
    await Promise.all(clients.map((client) => client.close()));
  }
}
