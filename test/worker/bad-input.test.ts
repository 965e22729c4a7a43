/** Bad input to the real Worker: a JSON error with code, message and the right status; the cluster untouched. */
import { Miniflare, type WorkerOptions } from "miniflare";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readCompatibility } from "../../scripts/cluster/bundle.ts";
import { LIMITS } from "../../src/base/limits.ts";
import { untilLed, untilSame } from "./support/group.ts";
import type { GroupStatus } from "./support/kv-client.ts";
import { testBundle, WorkerCluster } from "./support/worker-cluster.ts";

interface BadRequest {
  readonly method?: string;
  readonly body?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

const PUT: BadRequest = { method: "PUT", body: "v" };
const DELETE: BadRequest = { method: "DELETE" };

function put(headers: Readonly<Record<string, string>>): BadRequest {
  return { ...PUT, headers };
}

const CASES: readonly (readonly [
  what: string,
  path: string,
  request: BadRequest,
  status: number,
  code: string,
])[] = [
  ["an empty key to write", "/kv/", PUT, 400, "empty_key"],
  ["no key to write", "/kv", PUT, 400, "empty_key"],
  ["an empty key to read", "/kv/", {}, 400, "empty_key"],
  ["an empty key to delete", "/kv/", DELETE, 400, "empty_key"],
  ["all keys to delete without saying so", "/kv/?prefix=", DELETE, 400, "invalid_parameter"],
  ["a broken escape in a key", "/kv/%zz", PUT, 400, "invalid_key"],
  ["an escape that ends early", "/kv/a%4", {}, 400, "invalid_key"],
  [
    "a value above the limit",
    "/kv/k",
    { method: "PUT", body: "x".repeat(LIMITS.requestBytesMax + 1) },
    413,
    "request_too_large",
  ],
  [
    "key and value above the limit together",
    "/kv/k",
    { method: "PUT", body: "x".repeat(LIMITS.requestBytesMax) },
    413,
    "request_too_large",
  ],
  ["an If-Match that is no ETag", "/kv/k", put({ "If-Match": "5" }), 400, "invalid_header"],
  ["an If-Match of no revision", "/kv/k", put({ "If-Match": '"0"' }), 400, "invalid_header"],
  ["an If-Match with two ETags", "/kv/k", put({ "If-Match": '"1", "2"' }), 400, "invalid_header"],
  [
    "an If-Match to delete by that is text",
    "/kv/k",
    { ...DELETE, headers: { "If-Match": '"a"' } },
    400,
    "invalid_header",
  ],
  [
    "an If-None-Match to read by that is text",
    "/kv/k",
    { headers: { "If-None-Match": "x" } },
    400,
    "invalid_header",
  ],
  ["an Idempotency-Key with a space", "/kv/k", put({ "Idempotency-Key": "a b" }), 400, "invalid_header"],
  [
    "an Idempotency-Key that is too long",
    "/kv/k",
    put({ "Idempotency-Key": "x".repeat(256) }),
    400,
    "invalid_header",
  ],
  ["an unknown replica", "/kv/k", put({ "X-Edged-Replica": "r9" }), 400, "unknown_replica"],
  ["an unknown parameter to write", "/kv/k?lease=1", PUT, 400, "unknown_parameter"],
  ["an unknown parameter to read", "/kv/k?rev=1", {}, 400, "unknown_parameter"],
  ["an unknown parameter to list", "/kv/?prefix=a&sort=down", {}, 400, "unknown_parameter"],
  ["an unknown parameter of the status", "/status?verbose", {}, 400, "unknown_parameter"],
  ["a parameter given twice", "/kv/k?revision=1&revision=2", {}, 400, "invalid_parameter"],
  ["a revision that is no number", "/kv/k?revision=new", {}, 400, "invalid_parameter"],
  ["a negative revision", "/kv/k?revision=-1", {}, 400, "invalid_parameter"],
  ["a revision of the future", "/kv/k?revision=99999", {}, 400, "future_revision"],
  ["an unknown consistency", "/kv/k?consistency=eventual", {}, 400, "invalid_parameter"],
  ["a limit of zero", "/kv/?prefix=a&limit=0", {}, 400, "invalid_parameter"],
  ["a limit above the limit", "/kv/?prefix=a&limit=10001", {}, 400, "invalid_parameter"],
  ["a cursor that is none", "/kv/?prefix=a&after=***", {}, 400, "invalid_parameter"],
  ["an unknown path", "/keys/a", {}, 404, "not_found"],
  ["the root", "/", {}, 404, "not_found"],
  ["a wrong method for a key", "/kv/k", { method: "POST", body: "v" }, 405, "method_not_allowed"],
  ["a wrong method for the status", "/status", DELETE, 405, "method_not_allowed"],
  ["a cluster that may not be made", "/clusters/other/kv/k", PUT, 404, "cluster_not_found"],
  ["a cluster with a bad name", "/clusters/Other!/kv/k", PUT, 400, "invalid_cluster"],
  ["a time to live of nothing", "/kv/k?ttl=0", PUT, 400, "invalid_parameter"],
];

describe("bad requests", () => {
  let cluster: WorkerCluster;

  beforeAll(async () => {
    cluster = await WorkerCluster.start({ replicas: 3, vars: { HEARTBEAT_MS: "100", ELECTION_MS: "3000" } });
    await untilLed(cluster.client, cluster.members);
    expect((await cluster.client.put("k", "untouched")).status).toBe(200);
  });

  afterAll(async () => {
    await cluster[Symbol.asyncDispose]();
  });

  function standing({ members, term, revision }: GroupStatus): unknown {
    return { term, revision, logs: members.map(({ last_index }) => last_index) };
  }

  test.for(CASES)("%s", async ([, path, { method = "GET", body = null, headers = {} }, status, code]) => {
    const { client } = cluster;
    const before = standing(await client.status());
    const answer = await client.request(method, path, body, { headers });
    expect([answer.status, answer.json?.["code"]]).toEqual([status, code]);
    expect(answer.headers.get("Content-Type")).toMatch(/^application\/json/);
    expect(String(answer.json?.["message"]).length).toBeGreaterThan(10);
    if (status === 405) expect(answer.headers.get("Allow")).toMatch(/GET/);
    expect(standing(await client.status())).toEqual(before);
    expect((await client.get("k")).text).toBe("untouched");
  });

  test("a key above the limit", async () => {
    const { client } = cluster;
    const before = standing(await client.status());
    const tooLong = await client.put("x".repeat(LIMITS.keyBytesMax + 1), "v");
    // The runtime refuses addresses of 128 KiB by itself, in words of its own.
    if (tooLong.status !== 431) {
      expect([tooLong.status, tooLong.json?.["code"]]).toEqual([400, "key_too_large"]);
    }
    expect(standing(await client.status())).toEqual(before);
  });

  test("a body that does not tell its length is cut off at the limit", async () => {
    const { client } = cluster;
    const before = standing(await client.status());
    let sent = 0;
    const chunk = new Uint8Array(64 * 1024);
    const stream = new ReadableStream<Uint8Array>({
      pull(controller) {
        sent += chunk.length;
        if (sent > 4 * LIMITS.requestBytesMax) controller.close();
        else controller.enqueue(chunk);
      },
    });
    const response = await fetch(`${client.url}/kv/k`, { method: "PUT", body: stream, duplex: "half" });
    expect([response.status, await response.json()]).toMatchObject([413, { code: "request_too_large" }]);
    expect(standing(await client.status())).toEqual(before);
  });
});

describe("invalid configurations", () => {
  const THREE = "r1=enam,r2=weur,r3=apac-ne";
  const INVALID: readonly (readonly [
    what: string,
    variable: string,
    vars: Readonly<Record<string, string>>,
  ])[] = [
    ["no members", "INITIAL_CLUSTER", {}],
    ["an empty list of members", "INITIAL_CLUSTER", { INITIAL_CLUSTER: "" }],
    ["a bad name", "INITIAL_CLUSTER", { INITIAL_CLUSTER: "R1=enam,r2=weur" }],
    ["a duplicate name", "INITIAL_CLUSTER", { INITIAL_CLUSTER: "r1=enam,r1=weur" }],
    ["a member without a hint", "INITIAL_CLUSTER", { INITIAL_CLUSTER: "r1" }],
    ["an unknown location hint", "INITIAL_CLUSTER", { INITIAL_CLUSTER: "r1=moon" }],
    [
      "more than nine members",
      "INITIAL_CLUSTER",
      { INITIAL_CLUSTER: Array.from({ length: 10 }, (_, i) => `r${i + 1}=enam`).join(",") },
    ],
    ["a binding that does not exist", "INITIAL_CLUSTER", { INITIAL_CLUSTER: "r1=enam@ELSEWHERE" }],
    ["a heartbeat that is no number", "HEARTBEAT_MS", { INITIAL_CLUSTER: THREE, HEARTBEAT_MS: "fast" }],
    [
      "an election shorter than heartbeats",
      "ELECTION_MS",
      { INITIAL_CLUSTER: THREE, HEARTBEAT_MS: "250", ELECTION_MS: "300" },
    ],
    ["a log cut too often", "SNAPSHOT_EVERY", { INITIAL_CLUSTER: THREE, SNAPSHOT_EVERY: "1" }],
    ["a quota of nothing", "QUOTA_BYTES", { INITIAL_CLUSTER: THREE, QUOTA_BYTES: "0" }],
    ["a retention that is none", "AUTO_COMPACTION", { INITIAL_CLUSTER: THREE, AUTO_COMPACTION: "daily" }],
    ["a flag that is neither", "ALLOW_ANONYMOUS", { INITIAL_CLUSTER: THREE, ALLOW_ANONYMOUS: "yes" }],
    ["an empty token", "API_TOKEN", { INITIAL_CLUSTER: THREE, API_TOKEN: "" }],
  ];
  let miniflare: Miniflare;

  beforeAll(async () => {
    const contents = await testBundle();
    miniflare = new Miniflare({
      host: "127.0.0.1",
      port: 0,
      cf: false,
      workers: INVALID.map(
        ([, , vars], position): WorkerOptions => ({
          name: `worker-${position}`,
          modules: [{ type: "ESModule", path: "worker.mjs", contents }],
          ...readCompatibility(),
          bindings: { ALLOW_ANONYMOUS: "true", ...vars },
          durableObjects: { REPLICA: { className: "Replica", useSQLite: true } },
        }),
      ),
    });
    await miniflare.ready;
  });

  afterAll(async () => {
    await miniflare.dispose();
  });

  test.for(INVALID.map((row, position) => [...row, position] as const))(
    "%s: refused, naming %s and what to do",
    async ([, variable, , position]) => {
      const worker = await miniflare.getWorker(`worker-${position}`);
      for (const [method, path] of [
        ["GET", "/status"],
        ["PUT", "/kv/k"],
        ["GET", "/health"],
      ] as const) {
        const body = method === "PUT" ? "v" : null;
        const response = await worker.fetch(`http://edged${path}`, { method, body });
        expect(response.status).toBe(500);
        const problem = (await response.json()) as {
          readonly code: string;
          readonly message: string;
          readonly problems: readonly { readonly variable: string; readonly fix: string }[];
        };
        expect(problem.code).toBe("invalid_configuration");
        expect(problem.message).toContain(variable);
        expect(new Set(problem.problems.map((one) => one.variable))).toEqual(new Set([variable]));
        for (const { fix } of problem.problems) expect(fix.length).toBeGreaterThan(10);
      }
      // The gateway itself is alive, and no replica was woken.
      expect((await worker.fetch("http://edged/livez")).status).toBe(200);
      const starts = await worker.fetch("http://edged/_control/starts", { method: "POST", body: "{}" });
      expect(await starts.json()).toEqual({});
    },
  );

  test("hints that host no objects and an even number of members are only warned about", async () => {
    const vars = { INITIAL_CLUSTER: "r1=sam,r2=me" };
    await using cluster = await WorkerCluster.start({ replicas: 2, vars });
    expect((await cluster.client.put("k", "v")).status).toBe(200);
    await untilSame(cluster.client, cluster.members);
  });
});
