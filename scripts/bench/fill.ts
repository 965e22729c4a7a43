/** Keys that are there before any is read. */
import type { Client } from "./drive.ts";
import { type HttpRequest, httpClient } from "./http-client.ts";
import { KEYS_PER_CONNECTION, keyOf } from "./requests.ts";

/** etcd allows 128 operations in a transaction. */
const BATCH = 128;
const CLIENTS = 4;
/** A machine with too much to do may break off a connection or two. */
const ATTEMPTS = 5;

const base64 = (data: string | Buffer): string => Buffer.from(data).toString("base64");

/** Transactions in etcd's JSON that put all these keys. `root` may name a cluster, as `/clusters/NAME`. */
export function fillRequests(keys: readonly string[], value: Buffer, root = ""): readonly HttpRequest[] {
  const encoded = base64(value);
  const batches = Array.from({ length: Math.ceil(keys.length / BATCH) }, (_, batch) =>
    keys.slice(batch * BATCH, (batch + 1) * BATCH),
  );
  return batches.map((batch) => {
    const success = batch.map((key) => ({ request_put: { key: base64(key), value: encoded } }));
    return { method: "POST", path: `${root}/v3/kv/txn`, body: Buffer.from(JSON.stringify({ success })) };
  });
}

/** All keys of so many connections. */
export function keysOf(connections: number): readonly string[] {
  return Array.from({ length: connections * KEYS_PER_CONNECTION }, (_, i) =>
    keyOf(Math.floor(i / KEYS_PER_CONNECTION), i % KEYS_PER_CONNECTION),
  );
}

/** Sends all, a few at a time, each until it succeeds; throws when one does not. */
export async function sendAll(
  origin: string,
  requests: readonly HttpRequest[],
  signal: AbortSignal,
): Promise<void> {
  let next = 0;
  const work = async (client: Client): Promise<void> => {
    for (let n = next++; n < requests.length; n = next++) {
      signal.throwIfAborted();
      await insist(client, n);
    }
  };
  const clients = Array.from({ length: CLIENTS }, () =>
    httpClient(origin, (n) => requests[n] ?? { method: "GET", path: "/", body: null }),
  );
  try {
    await Promise.all(clients.map(work));
  } finally {
    await Promise.all(clients.map((client) => client.close()));
  }
}

async function insist(client: Client, n: number): Promise<void> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    if (await client.call(n).catch(() => false)) return;
  }
  throw new Error("a first write was refused or went unanswered again and again");
}
