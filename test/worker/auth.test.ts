/**
 * A guarded cluster on the real Worker: what nobody in particular, a user without permission and root are
 * told on every path there is. A new path is decided here too, or this fails.
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parseConfig } from "../../src/durable/config.ts";
import { createApp } from "../../src/gateway/app.ts";
import { RPCS } from "../../src/gateway/connect/rpc-names.ts";
import { V3_METHODS } from "../../src/gateway/v3/methods.ts";
import { eventually } from "./support/eventually.ts";
import { untilLed } from "./support/group.ts";
import type { Answer, KvClient } from "./support/kv-client.ts";
import { WorkerCluster } from "./support/worker-cluster.ts";

/** Whom a path lets in. */
type Rule = "anybody" | "users" | "permitted" | "silent";

const VERDICTS: Readonly<Record<Rule, readonly [anonymous: string, stranger: string, root: string]>> = {
  anybody: ["in", "in", "in"],
  users: ["no user", "in", "in"],
  permitted: ["no user", "denied", "in"],
  // As in etcd: a stream that tells nothing, not even why.
  silent: ["nothing", "nothing", "in"],
};

const base64 = (text: string) => Buffer.from(text).toString("base64");
const KEY = { key: base64("k") };
const LEASE = { ID: "77" };
const OTHER_LEASE = { ID: "78" };
const UNKNOWN_MEMBER = { ID: "12345", peerURLs: ["edged://nobody"] };
const LEADER = { leader: { name: base64("e"), key: base64("e/1"), rev: "1", lease: "1" } };

/** By path below `/v3/`: the rule, and a request that changes nothing of note. */
const PATHS: Readonly<Record<string, readonly [Rule, unknown]>> = {
  "kv/range": ["permitted", KEY],
  "kv/put": ["permitted", KEY],
  "kv/deleterange": ["permitted", KEY],
  "kv/txn": ["permitted", { success: [{ request_range: KEY }] }],
  "kv/compaction": ["permitted", { revision: "1" }],
  "auth/enable": ["permitted", {}],
  "auth/status": ["anybody", {}],
  "auth/authenticate": ["anybody", { name: "nobody", password: "x" }],
  "auth/user/add": ["permitted", { name: "new", password: "x" }],
  "auth/user/get": ["permitted", { name: "root" }],
  "auth/user/list": ["permitted", {}],
  "auth/user/delete": ["permitted", { name: "new" }],
  "auth/user/changepw": ["permitted", { name: "new", password: "x" }],
  "auth/user/grant": ["permitted", { user: "new", role: "x" }],
  "auth/user/revoke": ["permitted", { name: "new", role: "x" }],
  "auth/role/add": ["permitted", { name: "new" }],
  "auth/role/get": ["permitted", { role: "root" }],
  "auth/role/list": ["permitted", {}],
  "auth/role/delete": ["permitted", { role: "new" }],
  "auth/role/grant": ["permitted", { name: "x", perm: KEY }],
  "auth/role/revoke": ["permitted", { role: "x", ...KEY }],
  "cluster/member/list": ["users", {}],
  // That is a member already.
  "cluster/member/add": ["permitted", { peerURLs: ["edged://r1?region=enam"] }],
  "cluster/member/remove": ["permitted", UNKNOWN_MEMBER],
  "cluster/member/update": ["permitted", UNKNOWN_MEMBER],
  "cluster/member/promote": ["permitted", UNKNOWN_MEMBER],
  "maintenance/alarm": ["users", {}],
  "maintenance/status": ["users", {}],
  "maintenance/defragment": ["permitted", {}],
  "maintenance/hash": ["permitted", {}],
  "maintenance/hashkv": ["permitted", {}],
  "maintenance/snapshot": ["permitted", {}],
  "maintenance/transfer-leadership": ["permitted", { targetID: "12345" }],
  "lease/grant": ["users", { TTL: "600" }],
  // These leases have keys of root's.
  "lease/timetolive": ["permitted", { ...LEASE, keys: true }],
  "kv/lease/timetolive": ["permitted", { ...LEASE, keys: true }],
  "lease/leases": ["users", {}],
  "kv/lease/leases": ["users", {}],
  "lease/keepalive": ["permitted", LEASE],
  watch: ["permitted", { create_request: KEY }],
  "lock/lock": ["permitted", { name: base64("l") }],
  "lock/unlock": ["permitted", KEY],
  "election/campaign": ["permitted", { name: base64("e") }],
  "election/proclaim": ["permitted", LEADER],
  "election/leader": ["permitted", { name: base64("e") }],
  "election/observe": ["silent", { name: base64("e") }],
  "election/resign": ["permitted", LEADER],
  "lease/revoke": ["permitted", LEASE],
  "kv/lease/revoke": ["permitted", OTHER_LEASE],
  // Last of all: then nobody is asked any more.
  "auth/disable": ["permitted", {}],
};

/** The plain dialect: method, path, rule. */
const PLAIN: readonly (readonly [string, string, Rule])[] = [
  ["GET", "/kv/k", "permitted"],
  ["PUT", "/kv/k", "permitted"],
  ["PUT", "/kv/k?ttl=60", "permitted"],
  ["DELETE", "/kv/k", "permitted"],
  ["GET", "/kv/?prefix=k", "permitted"],
  ["DELETE", "/kv/?prefix=k", "permitted"],
  // What monitoring reads needs no user: it tells of the group and of no key.
  ["GET", "/health", "anybody"],
  ["GET", "/livez", "anybody"],
  ["GET", "/readyz", "anybody"],
  ["GET", "/version", "anybody"],
  ["GET", "/metrics", "anybody"],
  ["GET", "/status", "anybody"],
  // Each call of a session is judged by itself; one that is no WebSocket is told so.
  ["GET", "/session", "anybody"],
  ["GET", "/hashkv", "permitted"],
  ["POST", `/restore?part=0&backup=${"00".repeat(32)}`, "permitted"],
];

let cluster: WorkerCluster;
let client: KvClient;
const tokens: Record<"stranger" | "root", string> = { stranger: "", root: "" };

function v3(path: string, body: unknown, token: string | null = null): Promise<Answer> {
  const headers = { "Grpc-Timeout": "4S", ...(token === null ? {} : { Authorization: token }) };
  return client.request("POST", `/v3/${path}`, JSON.stringify(body), { headers });
}

/** Methods that JSON has not are asked as gRPC names them. */
function ask(path: string, body: unknown, token: string | null): Promise<Answer> {
  if (!["auth/status", "maintenance/hashkv"].includes(path)) return v3(path, body, token);
  const { rpc } = RPCS.find(({ name }) => name === path) ?? {};
  const headers = { "Content-Type": "application/json", ...(token === null ? {} : { Token: token }) };
  return client.request("POST", `/${rpc?.parent.typeName}/${rpc?.name}`, JSON.stringify(body), { headers });
}

async function signIn(name: string, password: string): Promise<string> {
  return String((await v3("auth/authenticate", { name, password })).json?.["token"]);
}

function verdictOf({ text }: Pick<Answer, "text">): string {
  if (text === "") return "nothing";
  if (/user name is empty/.test(text)) return "no user";
  return /permission denied/.test(text) ? "denied" : "in";
}

async function told(asked: (token: string | null) => Promise<Answer>): Promise<readonly string[]> {
  const verdicts: string[] = [];
  for (const token of [null, tokens.stranger, tokens.root]) verdicts.push(verdictOf(await asked(token)));
  return verdicts;
}

beforeAll(async () => {
  cluster = await WorkerCluster.start({ replicas: 3 });
  client = cluster.client;
  await untilLed(client, cluster.members);
  for (const [path, body] of [
    ["auth/user/add", { name: "root", password: "root's" }],
    ["auth/role/add", { name: "root" }],
    ["auth/user/grant", { user: "root", role: "root" }],
    ["auth/user/add", { name: "stranger", password: "stranger's" }],
    ["lease/grant", { ...LEASE, TTL: "6000" }],
    ["kv/put", { key: base64("leased"), lease: LEASE.ID }],
    ["lease/grant", { ...OTHER_LEASE, TTL: "6000" }],
    ["kv/put", { key: base64("leased too"), lease: OTHER_LEASE.ID }],
    ["auth/enable", {}],
  ] as const) {
    expect(await v3(path, body), path).toMatchObject({ status: 200 });
  }
  tokens.root = await signIn("root", "root's");
  tokens.stranger = await signIn("stranger", "stranger's");
}, 60_000);

afterAll(async () => {
  await cluster[Symbol.asyncDispose]();
});

describe("the plain dialect", () => {
  test("has no path that is not decided", () => {
    const config = parseConfig({ INITIAL_CLUSTER: "r1=enam", ALLOW_ANONYMOUS: "true", REPLICA: {} });
    const unused = (): never => {
      throw new Error("no request is made");
    };
    const clock = { nowMs: () => 0, sleep: unused };
    const entropy = { fraction: () => 0, bytes: unused };
    const { app } = createApp({ config, replicas: () => unused, clock, entropy, log: unused });
    const paths = new Set(app.routes.map(({ path }) => path));
    const known = new Set(PLAIN.map(([, path]) => path.replace(/\?.*/, "").replace("/kv/k", "/kv/*")));
    const other = [...paths].filter(
      (path) => !/^\/(?:\*|v3\/|v3beta\/|clusters\/|etcdserverpb|v3lockpb|v3electionpb)/.test(path),
    );
    expect(other.filter((path) => !known.has(path)).toSorted()).toEqual(["/kv"]);
  });

  test.each(PLAIN)("%s %s is for %s", async (method, path, rule) => {
    const verdicts = await told((token) =>
      client.request(method, path, null, {
        headers: token === null ? {} : { Authorization: `Bearer ${token}` },
      }),
    );
    expect(verdicts).toEqual(VERDICTS[rule]);
  });

  test("says so as JSON with a code and etcd's status, of events too", async () => {
    expect(await client.get("k")).toMatchObject({ status: 401, json: { code: "user_empty" } });
    const headers = { Authorization: `Bearer ${tokens.stranger}` };
    expect(await client.get("k", { headers })).toMatchObject({
      status: 403,
      json: { code: "permission_denied" },
    });
    const events = { headers: { ...headers, Accept: "text/event-stream" } };
    expect(await client.get("k", events)).toMatchObject({ status: 403, json: { code: "permission_denied" } });
    expect(await client.get("k", { headers: { Accept: "text/event-stream" } })).toMatchObject({
      status: 401,
    });
    expect(await client.get("k", { headers: { Authorization: "Bearer x.1" } })).toMatchObject({
      status: 401,
      json: { code: "invalid_auth_token" },
    });
  });
});

test("every replica knows a token, and nobody else's operation", async () => {
  for (const replica of cluster.members) {
    const token = await signIn("root", "root's");
    for (const member of cluster.members) {
      const options = {
        headers: { Authorization: token, "Idempotency-Key": `mine-${replica}` },
        replica: member,
      };
      const own = await client.request(
        "POST",
        "/v3/kv/put",
        JSON.stringify({ ...KEY, prev_kv: true, lease: "77" }),
        options,
      );
      expect(own.status, own.text).toBe(200);
      const theirs = { ...options, headers: { ...options.headers, Authorization: tokens.stranger } };
      const answer = await client.request(
        "POST",
        "/v3/kv/put",
        JSON.stringify({ ...KEY, prev_kv: true, lease: "77" }),
        theirs,
      );
      expect(answer).toMatchObject({ status: 403 });
    }
  }
});

test("a watch ends when permission is taken away, and one that is not permitted does not begin", async () => {
  await v3("auth/role/add", { name: "w" }, tokens.root);
  await v3("auth/role/grant", { name: "w", perm: { ...KEY, permType: "READ" } }, tokens.root);
  await v3("auth/user/grant", { user: "stranger", role: "w" }, tokens.root);
  const watching = v3("watch", { create_request: KEY }, tokens.stranger);
  await eventually("something is told", async () => {
    await v3("kv/put", { ...KEY, lease: "77" }, tokens.root);
    await v3("auth/user/revoke", { name: "stranger", role: "w" }, tokens.root);
    await v3("kv/put", { ...KEY, value: base64("secret"), lease: "77" }, tokens.root);
    return true;
  });
  const { text } = await watching;
  expect(text).toContain('"created":true');
  expect(text).toContain("desc = etcdserver: permission denied");
  expect(text).not.toContain(base64("secret"));
});

test("the group's own work goes on: leases end though nobody signs for that", {
  timeout: 40_000,
}, async () => {
  const lease = { ID: "79", TTL: "1" };
  const key = base64("short-lived");
  expect(await v3("lease/grant", lease, tokens.root)).toMatchObject({ status: 200 });
  expect(await v3("kv/put", { key, lease: lease.ID }, tokens.root)).toMatchObject({ status: 200 });
  await eventually("the key is gone", async () => {
    const { json } = await v3("kv/range", { key }, tokens.root);
    return json !== null && json["kvs"] === undefined ? true : null;
  });
});

test("whoever signs in needs no token, but none that is bad", async () => {
  const signInWith = (token: string, password = "right") =>
    v3("auth/authenticate", { name: "s", password }, token);
  await v3("auth/user/add", { name: "s", password: "right" }, tokens.root);
  expect((await signInWith("bad")).status).toBe(401);
  // The password is looked at first.
  expect((await signInWith("bad", "wrong")).status).toBe(400);
  expect((await signInWith(await signIn("s", "right"))).status).toBe(200);
  await v3("auth/user/delete", { name: "s" }, tokens.root);
});

test("passwords and hashes that clients send as their own are not taken", async () => {
  await v3("auth/user/add", { name: "h", password: "right", hashedPassword: "chosen" }, tokens.root);
  expect((await v3("auth/authenticate", { name: "h", password: "right" })).status).toBe(200);
  expect((await v3("auth/authenticate", { name: "h", password: "chosen" })).status).toBe(400);
  await v3("auth/user/delete", { name: "h" }, tokens.root);
});

describe("etcd's paths", () => {
  test("are all decided", () => {
    const known = Object.keys(PATHS).filter((path) => V3_METHODS.has(path));
    expect([...V3_METHODS.keys()].toSorted()).toEqual(known.toSorted());
    // Other protocols serve these methods, and none besides.
    for (const { name } of RPCS) expect(V3_METHODS.has(name) ? name in PATHS : true).toBe(true);
  });

  const served = Object.entries(PATHS).filter(([path]) => V3_METHODS.has(path));
  test.each(served)("%s", { timeout: 40_000 }, async (path, [rule, body]) => {
    expect(await told((token) => ask(path, body, token))).toEqual(VERDICTS[rule]);
  });
});
