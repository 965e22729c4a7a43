import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { type Client, drive } from "../../scripts/bench/drive.ts";
import { fillRequests, keysOf } from "../../scripts/bench/fill.ts";
import { load } from "../../scripts/bench/load.ts";
import { jsonTxn, KEYS_PER_CONNECTION, plainPut } from "../../scripts/bench/requests.ts";

const NEVER = new AbortController().signal;
const SOON_MS = 30;

const nowhere = { urls: [], pids: [], [Symbol.asyncDispose]: async () => undefined };

function client(call: Client["call"]): Client & { closed: number } {
  const close = async (): Promise<void> => {
    made.closed += 1;
  };
  const made = { call, closed: 0, close };
  return made;
}

describe("drive", () => {
  it("keeps one request of each client under way, and counts them", async () => {
    let [underWay, most, sent] = [0, 0, 0];
    const call = async (): Promise<boolean> => {
      underWay += 1;
      sent += 1;
      most = Math.max(most, underWay);
      await sleep(1);
      underWay -= 1;
      return true;
    };
    const clients = [client(call), client(call), client(call)];
    const measured = await drive(clients, SOON_MS, NEVER);
    expect(most).toBe(3);
    // Each client's first request is not measured.
    expect(measured.count).toBe(sent - clients.length);
    expect(measured.failed).toBe(0);
    expect(measured.p50).toBeLessThanOrEqual(measured.p99);
    expect(measured.p99).toBeLessThanOrEqual(measured.max);
    expect(measured.rate).toBeGreaterThan(0);
  });

  it("counts refusals and errors apart, and gives up a client that only fails", async () => {
    const refused = client(async () => false);
    const broken = client(async () => {
      throw new Error("reset");
    });
    const measured = await drive([refused, broken], 60_000, NEVER);
    expect(measured).toMatchObject({ count: 0, failed: 40, rate: 0 });
  });

  it("ends early when it is told to, and closes every client", async () => {
    const stop = new AbortController();
    const clients = [client(async () => true), client(() => sleep(1, true))];
    const done = load(nowhere, clients, 60_000, stop.signal);
    stop.abort();
    expect((await done).cpuMicros).toBeNull();
    expect(clients.map(({ closed }) => closed)).toEqual([1, 1]);
  });
});

describe("requests", () => {
  it("no two connections share a key, and the keys that are filled are those that are asked for", () => {
    const put = plainPut("/kv", Buffer.from("v"));
    const asked = [0, 1, 2].flatMap((connection) =>
      Array.from({ length: 2 * KEYS_PER_CONNECTION }, (_, n) => put(connection, n).path),
    );
    expect(new Set(asked)).toEqual(new Set(keysOf(3).map((key) => `/kv/${key}`)));
    expect(new Set(asked).size).toBe(3 * KEYS_PER_CONNECTION);
  });

  it("a fill puts each key once, within etcd's bound of operations", () => {
    const requests = fillRequests(keysOf(20), Buffer.from("v"), "/clusters/a");
    const puts = requests.map(({ body }) => JSON.parse(String(body)).success);
    expect(Math.max(...puts.map(({ length }) => length))).toBeLessThanOrEqual(128);
    const keys = puts.flat().map((put) => Buffer.from(put.request_put.key, "base64").toString());
    expect(keys).toEqual(keysOf(20));
    expect(requests[0]?.path).toBe("/clusters/a/v3/kv/txn");
  });

  it("a txn compares and writes the same key", () => {
    const { body } = jsonTxn(Buffer.from("v"))(0, 0);
    const txn = JSON.parse(String(body));
    const key = Buffer.from("k0-0").toString("base64");
    expect(txn.compare[0].key).toBe(key);
    expect(txn.success[0].request_put.key).toBe(key);
  });
});
