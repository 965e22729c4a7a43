import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { equalBytesSlowly } from "../../src/gateway/equal-bytes.ts";
import { describeGroup } from "../../src/gateway/routes/status.ts";
import { ENV, header, status, testConfig, testGateway, unavailable } from "./fakes.ts";

const TOKEN = "correct-horse-battery";

async function statusOf(gateway: ReturnType<typeof testGateway>, path: string, init: RequestInit = {}) {
  return (await gateway.app.request(path, init)).status;
}

describe("who may come in", () => {
  const PATHS = ["/kv/a", "/status", "/kv/?prefix=a", "/nope", "/clusters/x/kv/a", "/clusters/x/health"];
  const OPEN = ["/health", "/livez", "/readyz", "/version"];

  test("nobody, without a token and without ALLOW_ANONYMOUS; the answer says what to do", async () => {
    const gateway = testGateway({ ...ENV, ALLOW_ANONYMOUS: "false" });
    for (const path of PATHS) expect([path, await statusOf(gateway, path)]).toEqual([path, 401]);
    expect(gateway.replicas.calls).toEqual([]);
    for (const path of OPEN) expect([path, await statusOf(gateway, path)]).toEqual([path, 200]);
    const refused = await gateway.app.request("/kv/a", { headers: { Authorization: "Bearer x" } });
    expect(await refused.json()).toEqual({
      code: "unauthenticated",
      message: expect.stringContaining("wrangler secret put API_TOKEN"),
    });
    expect(refused.headers.get("WWW-Authenticate")).toMatch(/^Bearer/);
  });

  test("who has the token, with or without Bearer; it wins over ALLOW_ANONYMOUS", async () => {
    const gateway = testGateway({ ...ENV, API_TOKEN: TOKEN });
    const withToken = (Authorization: string) => statusOf(gateway, "/status", { headers: { Authorization } });
    expect(await statusOf(gateway, "/status")).toBe(401);
    expect(await withToken(`Bearer ${TOKEN}`)).toBe(200);
    expect(await withToken(`bearer ${TOKEN}`)).toBe(200);
    expect(await withToken(TOKEN)).toBe(200);
    for (const wrong of ["Bearer", "Bearer ", `Bearer ${TOKEN}x`, TOKEN.slice(1), `Basic ${TOKEN}`, "x"]) {
      expect([wrong, await withToken(wrong)]).toEqual([wrong, 401]);
    }
    for (const path of OPEN) expect([path, await statusOf(gateway, path)]).toEqual([path, 200]);
  });

  test("digests are compared to their ends", () => {
    const digest = new Uint8Array([1, 2, 3, 4]);
    expect(equalBytesSlowly(digest, new Uint8Array([1, 2, 3, 4]))).toBe(true);
    for (const other of [
      [0, 2, 3, 4],
      [1, 2, 0, 4],
      [1, 2, 3, 0],
      [1, 2, 3],
      [1, 2, 3, 4, 0],
    ]) {
      expect(equalBytesSlowly(digest, new Uint8Array(other))).toBe(false);
    }
  });

  test("an escaped path is not another way to an open one", async () => {
    const gateway = testGateway({ ...ENV, API_TOKEN: TOKEN });
    expect(await statusOf(gateway, "/%68ealth")).toBe(401);
    expect(await statusOf(gateway, "/%6bv/a", { headers: { Authorization: TOKEN } })).toBe(404);
  });

  test("a refusal does not tell the token", async () => {
    const gateway = testGateway({ ...ENV, API_TOKEN: TOKEN });
    const refused = await gateway.app.request("/kv/a", { headers: { Authorization: "Bearer x" } });
    expect(await refused.text()).not.toContain(TOKEN);
  });
});

describe("an invalid configuration", () => {
  const gateway = testGateway({ INITIAL_CLUSTER: "r1=mars", HEARTBEAT_MS: "x", ALLOW_ANONYMOUS: "true" });

  test.each(["/kv/a", "/status", "/health", "/readyz", "/version", "/nope", "/clusters/x/kv/a"])(
    "%s answers 500 with every problem and asks no replica",
    async (path) => {
      const response = await gateway.app.request(path);
      expect(response.status).toBe(500);
      expect(await response.json()).toEqual({
        code: "invalid_configuration",
        message: expect.stringContaining('INITIAL_CLUSTER: member "r1" has the unknown location hint "mars"'),
        problems: [
          { variable: "INITIAL_CLUSTER", message: expect.any(String), fix: expect.any(String) },
          { variable: "HEARTBEAT_MS", message: expect.any(String), fix: expect.any(String) },
        ],
      });
      expect(gateway.replicas.calls).toEqual([]);
    },
  );

  test("/livez is well", async () => {
    expect(await statusOf(gateway, "/livez")).toBe(200);
  });
});

describe("clusters", () => {
  test("have paths of their own; the root is default", async () => {
    const gateway = testGateway();
    await gateway.app.request("/clusters/blue/kv/a%2Fb", { method: "PUT", body: "1" });
    expect(await (await gateway.app.request("/clusters/blue/kv/a/b")).text()).toBe("1");
    expect(new Set(gateway.replicas.calls.map((call) => call.cluster))).toEqual(new Set(["blue"]));
    gateway.replicas.calls.length = 0;
    for (const path of ["/clusters/default/kv/a", "/kv/a"]) await gateway.app.request(path);
    expect(new Set(gateway.replicas.calls.map((call) => call.cluster))).toEqual(new Set(["default"]));
    for (const path of ["/status", "/health", "/readyz", "/livez", "/version", "/kv/?prefix="]) {
      expect([path, await statusOf(gateway, `/clusters/blue${path}`)]).toEqual([path, 200]);
    }
    expect(await statusOf(gateway, "/clusters/blue/nope")).toBe(404);
    expect(await statusOf(gateway, "/clusters/blue")).toBe(404);
  });

  test.each(["Blue", "-blue", "a".repeat(64), "a%2Fb", "b%20", "%FF"])("%s is no name", async (name) => {
    const gateway = testGateway();
    const response = await gateway.app.request(`/clusters/${name}/kv/a`);
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ code: "invalid_cluster" });
    expect(gateway.replicas.calls).toEqual([]);
  });

  test("others than default need ALLOW_CLUSTER_CREATE, and the answer says so", async () => {
    const gateway = testGateway({ ...ENV, ALLOW_CLUSTER_CREATE: "false" });
    const response = await gateway.app.request("/clusters/blue/kv/a");
    expect(response.status).toBe(404);
    expect(await response.json()).toEqual({
      code: "cluster_not_found",
      message: expect.stringContaining("set ALLOW_CLUSTER_CREATE to true"),
    });
    expect(gateway.replicas.calls).toEqual([]);
    expect(await statusOf(gateway, "/clusters/default/kv/?prefix=")).toBe(200);
  });
});

describe("X-Edged-Replica", () => {
  test("pins a request, and the answer tells who gave it", async () => {
    const gateway = testGateway();
    for (const member of ["r1", "r2", "r3"]) {
      const headers = { "X-Edged-Replica": member };
      const written = await gateway.app.request("/kv/a", { method: "PUT", body: "1", headers });
      expect(written.headers.get("X-Edged-Replica")).toBe(member);
      const read = await gateway.app.request("/kv/a", { headers });
      expect(read.headers.get("X-Edged-Replica")).toBe(member);
    }
  });

  test("an unknown one is refused, naming the known ones", async () => {
    const gateway = testGateway();
    const response = await gateway.app.request("/kv/a", { headers: { "X-Edged-Replica": "r9" } });
    expect(response.status).toBe(400);
    expect(await response.json()).toEqual({
      code: "unknown_replica",
      message: 'X-Edged-Replica: there is no replica "r9"; there are r1, r2, r3',
    });
  });
});

describe("without an answer from the cluster", () => {
  function brokenGateway(unknownOutcome: boolean) {
    const gateway = testGateway();
    return {
      gateway,
      breakAll: () => {
        for (const member of ["r1", "r2", "r3"]) {
          const at = header(member, { leader: null });
          gateway.replicas.down.set(member, () => unavailable("no-leader", { unknownOutcome, header: at }));
        }
      },
    };
  }

  test("a write that was certainly not applied says so", async () => {
    const { gateway, breakAll } = brokenGateway(false);
    breakAll();
    const response = await gateway.app.request("/kv/a", { method: "PUT", body: "1" });
    expect(response.status).toBe(503);
    expect(response.headers.get("Retry-After")).toBe("1");
    expect(response.headers.get("X-Edged-Term")).toBe("2");
    expect(await response.json()).toEqual({
      code: "unavailable",
      message:
        "not applied: no quorum answered in time, 2 of 3 replicas must be up and able to reach each other (last answer: fake: no-leader)",
      outcome: "not_applied",
    });
  });

  test("a write of unknown outcome is never called failed", async () => {
    const { gateway, breakAll } = brokenGateway(true);
    await gateway.app.request("/kv/a");
    breakAll();
    for (const headers of [{}, { "Idempotency-Key": "k" }]) {
      const response = await gateway.app.request("/kv/a", { method: "PUT", body: "1", headers });
      expect([response.status, response.headers.get("Retry-After")]).toEqual([503, "1"]);
      const body: { code: string; outcome: string; message: string } = JSON.parse(await response.text());
      expect(body).toMatchObject({ code: "unavailable", outcome: "unknown" });
      expect(body.message).toContain("may or may not have taken effect");
      expect(body.message).toContain("Idempotency-Key");
    }
  });

  test("a read points to serializable reads, unless it was one", async () => {
    const { gateway, breakAll } = brokenGateway(false);
    breakAll();
    for (const [path, hint] of [
      ["/kv/a", true],
      ["/kv/?prefix=a", true],
      ["/kv/a?consistency=serializable", false],
    ] as const) {
      const response = await gateway.app.request(path);
      expect(response.status).toBe(503);
      const body: { message: string } = JSON.parse(await response.text());
      expect(body.message).toMatch(/^not read: no quorum/);
      expect(body.message.includes("consistency=serializable")).toBe(hint);
    }
  });

  test("a revision that was not reached is not taken for a lost quorum", async () => {
    const gateway = testGateway();
    for (const member of ["r1", "r2", "r3"]) {
      gateway.replicas.down.set(member, () =>
        unavailable("timeout", { header: header(member, { revision: 4 }) }),
      );
    }
    for (const path of ["/kv/a", "/kv/?prefix=a"]) {
      const response = await gateway.app.request(`${path}${path.includes("?") ? "&" : "?"}min_revision=9`);
      expect(response.status).toBe(503);
      const body: { message: string } = JSON.parse(await response.text());
      expect(body.message).toMatch(
        /^not read: min_revision 9 was not reached in time, r\d is at revision 4$/,
      );
      const reached = await gateway.app.request(`${path}${path.includes("?") ? "&" : "?"}min_revision=4`);
      expect(JSON.parse(await reached.text()).message).toContain("no quorum");
    }
  });

  test("an overloaded cluster asks to slow down", async () => {
    const gateway = testGateway();
    for (const member of ["r1", "r2", "r3"]) {
      gateway.replicas.down.set(member, () => unavailable("overloaded", { header: header(member) }));
    }
    const response = await gateway.app.request("/kv/a");
    expect(response.status).toBe(503);
    expect(await response.json()).toMatchObject({ code: "overloaded" });
  });

  test("/health and /readyz say so, /livez stays", async () => {
    const { gateway, breakAll } = brokenGateway(false);
    breakAll();
    const health = await gateway.app.request("/health");
    expect([health.status, await health.text()]).toEqual([503, '{"health":"false"}']);
    const ready = await gateway.app.request("/readyz");
    expect([ready.status, await ready.text()]).toEqual([
      503,
      "[-]serializable_read failed: fake: no-leader\n[-]linearizable_read failed: fake: no-leader\n",
    ]);
    expect(await statusOf(gateway, "/livez")).toBe(200);
  });
});

describe("etcd's small endpoints", () => {
  test.each([
    ["/health", '{"health":"true"}', "text/plain; charset=utf-8"],
    ["/health?foo=1", '{"health":"true"}', "text/plain; charset=utf-8"],
    ["/health?serializable=true", '{"health":"true"}', "text/plain; charset=utf-8"],
    ["/readyz", "ok", "text/plain; charset=utf-8"],
    [
      "/readyz?verbose",
      "[+]serializable_read ok\n[+]linearizable_read ok\nok\n",
      "text/plain; charset=utf-8",
    ],
    ["/livez", "ok", "text/plain; charset=utf-8"],
    ["/livez?verbose", "[+]gateway ok\nok\n", "text/plain; charset=utf-8"],
    ["/version", '{"etcdserver":"3.6.0","etcdcluster":"3.6.0"}', "application/json"],
  ])("%s", async (path, body, type) => {
    const response = await testGateway().app.request(path);
    expect([response.status, await response.text(), response.headers.get("Content-Type")]).toEqual([
      200,
      body,
      type,
    ]);
  });

  test("the version is the package's", async () => {
    const { version } = JSON.parse(readFileSync("package.json", "utf8"));
    expect(await (await testGateway().app.request("/status")).json()).toMatchObject({ edged: version });
  });

  test("their own errors are etcd's plain texts", async () => {
    const { app } = testGateway();
    const wrongPath = await app.request("/health/");
    expect([wrongPath.status, await wrongPath.text()]).toEqual([404, "404 page not found\n"]);
    const wrongMethod = await app.request("/health", { method: "POST" });
    expect([wrongMethod.status, await wrongMethod.text()]).toEqual([405, "Method Not Allowed\n"]);
    const unknown = await app.request("/v3/nope", { method: "POST" });
    expect([unknown.status, await unknown.text()]).toEqual([404, "Not Found\n"]);
  });
});

describe("/status", () => {
  test("shows the group as data, with the leader's view and who cannot be reached", async () => {
    const gateway = testGateway();
    gateway.replicas.down.set("r3", () =>
      unavailable("timeout", { message: "replica r3 cannot be reached" }),
    );
    const response = await gateway.app.request("/status");
    expect(response.status).toBe(200);
    expect(response.headers.get("X-Edged-Leader")).toBe("r1");
    expect(await response.json()).toEqual({
      cluster: "default",
      cluster_id: "00000000000000c1",
      leader: "r1",
      term: 2,
      revision: 1,
      voters: ["r1", "r2", "r3"],
      learners: [],
      quorum: 2,
      fault_tolerance: 1,
      reachable: 2,
      has_quorum: true,
      database_bytes: 4_096,
      quota_bytes: 2_147_483_648,
      members: [
        {
          name: "r1",
          region: "enam",
          id: "0000000000000001",
          reachable: true,
          role: "leader",
          term: 2,
          leader: "r1",
          revision: 1,
          commit: 9,
          applied: 9,
          first_index: 1,
          last_index: 9,
          lag: 0,
          database_bytes: 4_096,
          asleep: false,
        },
        expect.objectContaining({ name: "r2", region: "weur", role: "follower" }),
        { name: "r3", region: "apac-ne", reachable: false, error: "replica r3 cannot be reached" },
      ],
      edged: "0.1.0",
    });
  });

  test("tells lag, replication and why a replica stopped", () => {
    const answers = new Map([
      [
        "r1",
        status("r1", {
          commit: 20,
          peers: [{ member: "r2", match: 15, state: "replicate", heardMsAgo: 12 }],
        }),
      ],
      ["r2", status("r2", { applied: 14 })],
      ["r3", status("r3", { role: "stopped", stopped: "wiped", term: 1 })],
    ]);
    const members = [...answers.keys()].map((name) => ({ name, hint: null }));
    const group = describeGroup("default", testConfig(), { members, replies: [...answers.values()] });
    expect(group).toMatchObject({
      reachable: 2,
      members: [
        { name: "r1", lag: 11 },
        { name: "r2", lag: 6, match: 15, replication: "replicate", heard_ms_ago: 12 },
        { name: "r3", stopped: "wiped" },
      ],
    });
  });

  test("answers even when nobody does", async () => {
    const gateway = testGateway();
    for (const member of ["r1", "r2", "r3"]) gateway.replicas.down.set(member, () => unavailable("timeout"));
    const response = await gateway.app.request("/status");
    expect(response.status).toBe(200);
    expect(await response.json()).toMatchObject({
      leader: null,
      term: null,
      quorum: 2,
      reachable: 0,
      has_quorum: false,
    });
  });
});

describe("browsers", () => {
  test("OPTIONS is answered everywhere, without a token", async () => {
    const gateway = testGateway({ ...ENV, API_TOKEN: TOKEN });
    for (const path of ["/kv/a", "/nope", "/v3/kv/range"]) {
      const response = await gateway.app.request(path, { method: "OPTIONS" });
      expect([response.status, await response.text()]).toEqual([200, ""]);
      expect(response.headers.get("Access-Control-Allow-Origin")).toBe("*");
      expect(response.headers.get("Access-Control-Allow-Methods")).toBe("POST, GET, OPTIONS, PUT, DELETE");
    }
  });

  test("the headers of the plain dialect are allowed and exposed, etcd's paths stay as etcd's", async () => {
    const { app } = testGateway();
    const own = await app.request("/kv/a", { method: "OPTIONS" });
    expect(own.headers.get("Access-Control-Allow-Headers")).toContain("if-match");
    const fromElsewhere = { headers: { Origin: "https://example.com" } };
    const exposed = (await app.request("/kv/a", fromElsewhere)).headers.get("Access-Control-Expose-Headers");
    expect(exposed).toContain("ETag");
    const etcd = await app.request("/v3/kv/range", { method: "OPTIONS" });
    expect(etcd.headers.get("Access-Control-Allow-Headers")).toBe("accept, content-type, authorization");
    expect(etcd.headers.get("Access-Control-Expose-Headers")).toBeNull();
  });

  test("are told on etcd's paths always, elsewhere when another site's page asks", async () => {
    const { app } = testGateway();
    const origin = { Origin: "https://example.com" };
    for (const [path, method, headers, expected] of [
      ["/kv/a", "GET", origin, "*"],
      ["/kv/a", "PUT", origin, "*"],
      ["/nope", "GET", origin, "*"],
      ["/kv/a", "GET", {}, null],
      ["/status", "GET", {}, null],
      ["/v3/kv/range", "POST", {}, "*"],
    ] as const) {
      const body = method === "GET" ? null : "{}";
      const response = await app.request(path, { method, headers, body });
      expect([path, response.headers.get("Access-Control-Allow-Origin")]).toEqual([path, expected]);
    }
  });
});

test("an unexpected error is logged, not shown", async () => {
  const gateway = testGateway();
  gateway.replicas.down.set("r1", () => {
    throw new Error("secret detail");
  });
  const response = await gateway.app.request("/kv/a", { headers: { Origin: "https://example.com" } });
  expect(response.status).toBe(500);
  const text = await response.text();
  expect(JSON.parse(text)).toMatchObject({ code: "internal" });
  expect(text).not.toContain("secret");
  expect(gateway.logged).toHaveLength(1);
  expect(response.headers.get("Access-Control-Allow-Origin")).toBe("*");
});
