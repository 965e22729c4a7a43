/** Native gRPC through the bridge to the real Worker, in processes that get killed. */
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { expect, test } from "vitest";
import { Lock } from "../../src/wire/gen/etcd/lock_pb.ts";
import { Cluster, KV, Lease, Watch } from "../../src/wire/gen/etcd/rpc_pb.ts";
import { fromUtf8, utf8 } from "../../src/wire/text.ts";
import { startCluster } from "../harness/process-cluster.ts";
import { until } from "../harness/processes.ts";
import { BridgeProcess } from "./bridge-process.ts";

const VARS = { ALLOW_ANONYMOUS: "true", HEARTBEAT_MS: "100", ELECTION_MS: "500" };
const WRITES = 60;
const KILL_AT = 20;

test("watches go on and a lock is held while the leader's process is killed", {
  timeout: 120_000,
}, async () => {
  await using cluster = await startCluster({ replicas: 3, vars: VARS });
  const urls = cluster.names.map((name) => cluster.member(name).url);
  await using bridge = await BridgeProcess.start(urls);
  const transport = createGrpcTransport({ baseUrl: bridge.url });
  const [kv, watch, lease] = [
    createClient(KV, transport),
    createClient(Watch, transport),
    createClient(Lease, transport),
  ];

  // Everything works once, in etcd's words.
  const { header } = await kv.put({ key: utf8("first"), value: utf8("1") });
  const refusal = await kv.put({ value: utf8("1") }).catch((error: unknown) => ConnectError.from(error));
  expect(refusal).toMatchObject({
    code: Code.InvalidArgument,
    rawMessage: "etcdserver: key is not provided",
  });
  const { members } = await createClient(Cluster, transport).memberList({});
  expect(members.map(({ clientURLs }) => clientURLs)).toEqual([[bridge.url], [bridge.url], [bridge.url]]);

  // Many watches on one stream, a lease, and a lock that it keeps.
  const stop = new AbortController();
  const told = new Map<bigint, string[]>();
  const requests = (async function* () {
    for (let name = 0; name < 20; name += 1) {
      const value = { key: utf8("w/"), rangeEnd: utf8("w0"), startRevision: (header?.revision ?? 0n) + 1n };
      yield { requestUnion: { case: "createRequest" as const, value } };
    }
    await new Promise((stopped) => stop.signal.addEventListener("abort", stopped));
  })();
  const listening = (async () => {
    for await (const { watchId, events } of watch.watch(requests, { signal: stop.signal })) {
      const all = told.get(watchId) ?? [];
      told.set(watchId, [...all, ...events.map(({ kv: pair }) => fromUtf8(pair?.key ?? utf8("")))]);
    }
  })().catch((error: unknown) => expect(ConnectError.from(error).code).toBe(Code.Canceled));
  const { ID } = await lease.leaseGrant({ TTL: 60n });
  const lock = createClient(Lock, transport);
  const { key } = await lock.lock({ name: utf8("mutex"), lease: ID });

  const expected: string[] = [];
  for (let number = 0; number < WRITES; number += 1) {
    if (number === KILL_AT) await cluster.kill(await leaderOf(urls));
    const name = `w/${String(number).padStart(3, "0")}`;
    // Each write is acknowledged or refused; a refused one is repeated as etcd's clients do it.
    await until(`${name} is written`, async () => (await kv.put({ key: utf8(name) })).header ?? null);
    expected.push(name);
  }
  await until("all watches were told everything", async () =>
    told.size === 20 && [...told.values()].every((names) => new Set(names).size >= WRITES) ? true : null,
  );
  // A write that was refused with an unknown outcome may have happened twice, but never out of order.
  for (const names of told.values()) expect([...new Set(names)]).toEqual(expected);
  for (const names of told.values()) expect(names).toEqual(told.get(0n));
  expect((await kv.range({ key })).kvs[0]?.lease).toBe(ID);
  const renewed = (async function* () {
    yield { ID };
  })();
  for await (const { TTL } of lease.leaseKeepAlive(renewed)) expect(TTL).toBe(60n);
  stop.abort();
  await listening;
});

test("calls in flight when gateways die are each done once, or were not", { timeout: 120_000 }, async () => {
  await using cluster = await startCluster({ replicas: 3, vars: VARS });
  const urls = cluster.names.map((name) => cluster.member(name).url);
  await using bridge = await BridgeProcess.start(urls);
  const kv = createClient(KV, createGrpcTransport({ baseUrl: bridge.url }));
  await until("there is a leader", async () => (await kv.put({ key: utf8("first") })).header ?? null);
  let answered = 0;
  const outcomes: Promise<boolean>[] = [];
  const writer = async (name: number): Promise<void> => {
    for (let n = 0; n < WRITES; n += 1) {
      const outcome = kv.put({ key: utf8(`c/${name}/${n}`) }).then(
        () => true,
        (error: unknown) => {
          expect(ConnectError.from(error).code).toBe(Code.Unavailable);
          return false;
        },
      );
      outcomes.push(outcome);
      await outcome;
      answered += 1;
    }
  };
  const writers = Promise.all(Array.from({ length: 24 }, (_, name) => writer(name)));
  // The bridge's sessions are with the first one.
  await until("calls are under way", async () => (answered > 100 ? true : null));
  await cluster.kill(cluster.names[0] ?? "");
  await until("others answer", async () => (answered > 400 ? true : null));
  await cluster.restart(cluster.names[0] ?? "");
  await writers;
  const acknowledged = (await Promise.all(outcomes)).filter((isDone) => isDone).length;
  const { kvs } = await kv.range({ key: utf8("c/"), rangeEnd: utf8("c0") });
  expect(kvs.length).toBeGreaterThanOrEqual(acknowledged);
  // Each key is written by one call: a second version would be the same call done twice.
  expect(kvs.filter(({ version }) => version !== 1n)).toEqual([]);
  // The gateways that are left take what the lost one did not answer, but for what no leader answered in time.
  expect(acknowledged).toBeGreaterThan(12 * WRITES);
});

/** The member that leads, as any gateway knows it. */
function leaderOf(urls: readonly string[]): Promise<string> {
  return until("somebody leads", async () => {
    const response = await fetch(`${urls[0]}/status`);
    const status: unknown = await response.json();
    const leader = typeof status === "object" && status !== null && "leader" in status ? status.leader : null;
    return typeof leader === "string" ? leader : null;
  });
}
