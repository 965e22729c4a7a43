/** What etcdctl 3.4.23 printed for these answers of etcd's gateway, byte for byte. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type RunOptions, runEdged, ScriptedGateway, success } from "./support/edged.ts";

const HEADER = {
  cluster_id: "324952591200643719",
  member_id: "3319814642761637952",
  revision: "10",
  raft_term: "2",
};
const GO_HEADER = `"header":{"cluster_id":324952591200643719,"member_id":3319814642761637952,"revision":10,"raft_term":2}`;
const HEADER_FIELDS = `"ClusterID" : 324952591200643719
"MemberID" : 3319814642761637952
"Revision" : 10
"RaftTerm" : 2
`;
const LEASE = "2324035545582649907";
const PAIR = { key: "aw==", create_revision: "3", mod_revision: "8", version: "6", value: "djI=" };
const MEMBER = {
  ID: "3319814642761637952",
  name: "default",
  peerURLs: ["http://127.0.0.1:23800"],
  clientURLs: ["http://127.0.0.1:23790"],
};

let answers: Record<string, unknown> = {};
const gateway = new ScriptedGateway(({ path }, response) => {
  const answer = answers[path.replace("/v3/", "")];
  response
    .writeHead(answer === undefined ? 404 : 200)
    .end(JSON.stringify(answer ?? { code: 5, error: "no" }));
});

beforeAll(() => gateway.listen());
afterAll(() => gateway.close());
beforeEach(() => {
  answers = {};
  gateway.requests.length = 0;
});

function edged(line: string, options?: RunOptions): ReturnType<typeof runEdged> {
  return runEdged(gateway.url, line.split(" "), options);
}

describe("keys", () => {
  test("put", async () => {
    answers = { "kv/put": { header: HEADER, prev_kv: PAIR } };
    expect(await edged("put k v")).toEqual(success("OK\nk\nv2\n"));
    expect((await edged("put k v -w json")).out).toBe(
      `{${GO_HEADER},"prev_kv":{"key":"aw==","create_revision":3,"mod_revision":8,"version":6,"value":"djI="}}\n`,
    );
    expect((await edged("put k v -w=fields")).out).toBe(`${HEADER_FIELDS}"PrevKey" : "k"
"PrevCreateRevision" : 3
"PrevModRevision" : 8
"PrevVersion" : 6
"PrevValue" : "v2"
"PrevLease" : 0
`);
    await edged(`put k v --prev-kv --ignore-lease --lease 2040a203f3d5c233`);
    expect(gateway.requests.at(-1)?.body).toEqual({
      key: "aw==",
      value: "dg==",
      lease: LEASE,
      prev_kv: true,
      ignore_lease: true,
    });
  });

  test("get", async () => {
    answers = { "kv/range": { header: HEADER, kvs: [{ ...PAIR, lease: LEASE }], count: "1" } };
    expect((await edged("get k -w json")).out).toBe(
      `{${GO_HEADER},"kvs":[{"key":"aw==","create_revision":3,"mod_revision":8,"version":6,"value":"djI=","lease":${LEASE}}],"count":1}\n`,
    );
    expect((await edged("get k -w fields")).out).toBe(`${HEADER_FIELDS}"Key" : "k"
"CreateRevision" : 3
"ModRevision" : 8
"Version" : 6
"Value" : "v2"
"Lease" : ${LEASE}
"More" : false
"Count" : 1
`);
    await edged("get k --prefix --order descend --sort-by modify --limit 3 --consistency s --prefix=true");
    expect(gateway.requests.at(-1)?.body).toEqual({
      key: "aw==",
      range_end: "bA==",
      limit: "3",
      serializable: true,
      sort_order: "DESCEND",
      sort_target: "MOD",
    });
    await edged("get k --prefix=false --rev 9007199254740993");
    expect(gateway.requests.at(-1)?.body).toEqual({ key: "aw==", revision: "9007199254740993" });
  });

  test("del", async () => {
    answers = { "kv/deleterange": { header: HEADER, deleted: "1", prev_kvs: [PAIR] } };
    expect(await edged("del k --prev-kv")).toEqual(success("1\nk\nv2\n"));
    expect((await edged("del k -w json")).out).toBe(
      `{${GO_HEADER},"deleted":1,"prev_kvs":[{"key":"aw==","create_revision":3,"mod_revision":8,"version":6,"value":"djI="}]}\n`,
    );
    answers = { "kv/deleterange": { header: HEADER } };
    expect((await edged("del k -w fields")).out).toBe(`${HEADER_FIELDS}"Deleted" : 0\n`);
  });
});

describe("transactions", () => {
  const input =
    'mod("a\\x00") > "0"\nvalue("b") = "it\'s"\nlease("c") != "ff"\n\nput a "x y"\nget a --prefix\n\ndel d\n';

  test("are read from standard input", async () => {
    answers = {
      "kv/txn": {
        header: HEADER,
        succeeded: true,
        responses: [
          { response_put: { header: { revision: "10" } } },
          { response_range: { header: { revision: "10" }, kvs: [PAIR], count: "1" } },
          { response_delete_range: { header: { revision: "10" } } },
        ],
      },
    };
    expect(await edged("txn", { input })).toEqual(success("SUCCESS\n\nOK\n\nk\nv2\n\n0\n"));
    expect(gateway.requests.at(-1)?.body).toEqual({
      compare: [
        { target: "MOD", result: "GREATER", key: "YQA=", mod_revision: "0" },
        { target: "VALUE", result: "EQUAL", key: "Yg==", value: "aXQncw==" },
        { target: "LEASE", result: "NOT_EQUAL", key: "Yw==", lease: "255" },
      ],
      success: [
        { request_put: { key: "YQ==", value: "eCB5" } },
        { request_range: { key: "YQ==", range_end: "Yg==" } },
      ],
      failure: [{ request_delete_range: { key: "ZA==" } }],
    });
    expect((await edged("txn -w json", { input })).out).toBe(
      `{${GO_HEADER},"succeeded":true,"responses":[{"Response":{"ResponsePut":{"header":{"revision":10}}}},{"Response":{"ResponseRange":{"header":{"revision":10},"kvs":[{"key":"aw==","create_revision":3,"mod_revision":8,"version":6,"value":"djI="}],"count":1}}},{"Response":{"ResponseDeleteRange":{"header":{"revision":10}}}}]}\n`,
    );
    answers = { "kv/txn": { header: HEADER } };
    expect((await edged("txn -i", { input })).out).toBe(
      "compares:\nsuccess requests (get, put, del):\nfailure requests (get, put, del):\nFAILURE\n",
    );
  });

  test.each([
    ['mod("a") > "x"\n\n\n', "invalid txn compare request"],
    ['mod(a) > "1"\n\n\n', "malformed comparison"],
    ['frob("a") > "1"\n\n\n', "unknown target frob"],
    ['mod("a") ~ "1"\n\n\n', "unknown operator ~"],
    ["\nfrob a\n\n", "invalid txn request: frob a"],
    ["\nput a b --frob\n\n", "invalid txn request: put a b --frob"],
    ["\nput a b\n", "EOF"],
  ])("%j is refused and nobody asked", async (wrong, message) => {
    const run = await edged("txn", { input: wrong });
    expect(run).toMatchObject({ code: 3, out: "" });
    expect(run.err).toContain(message);
    expect(gateway.requests).toEqual([]);
  });
});

describe("leases keep all digits of their ids", () => {
  test("grant, timetolive, list, keep-alive, revoke", async () => {
    answers = {
      "lease/grant": { header: HEADER, ID: LEASE, TTL: "100" },
      "lease/timetolive": { header: HEADER, ID: LEASE, TTL: "99", grantedTTL: "100", keys: ["bGs="] },
      "lease/leases": { header: HEADER, leases: [{ ID: LEASE }, { ID: "291" }] },
      "lease/keepalive": { result: { header: HEADER, ID: LEASE, TTL: "100" } },
      "lease/revoke": { header: HEADER },
    };
    const plain = GO_HEADER.slice('"header":{'.length, -1);
    expect((await edged("lease grant 100")).out).toBe("lease 2040a203f3d5c233 granted with TTL(100s)\n");
    expect((await edged("lease grant 100 -w json")).out).toBe(
      `{${plain},"ID":${LEASE},"TTL":100,"Error":""}\n`,
    );
    expect((await edged("lease timetolive 2040a203f3d5c233 --keys")).out).toBe(
      "lease 2040a203f3d5c233 granted with TTL(100s), remaining(99s), attached keys([lk])\n",
    );
    expect((await edged("lease timetolive 2040a203f3d5c233 --keys -w json")).out).toBe(
      `{${plain},"id":${LEASE},"ttl":99,"granted-ttl":100,"keys":["bGs="]}\n`,
    );
    expect((await edged("lease list")).out).toBe("found 2 leases\n2040a203f3d5c233\n0000000000000123\n");
    expect((await edged("lease list -w json")).out).toBe(
      `{${plain},"leases":[{"id":${LEASE}},{"id":291}]}\n`,
    );
    expect((await edged("lease keep-alive --once 2040a203f3d5c233")).out).toBe(
      "lease 2040a203f3d5c233 keepalived with TTL(100)\n",
    );
    expect((await edged("lease revoke 2040a203f3d5c233")).out).toBe("lease 2040a203f3d5c233 revoked\n");
    expect(new Set(gateway.asked("/v3/lease/timetolive").map((body) => JSON.stringify(body)))).toEqual(
      new Set([JSON.stringify({ ID: LEASE, keys: true })]),
    );
  });

  test("that are gone", async () => {
    answers = {
      "lease/timetolive": { header: HEADER, ID: "291", TTL: "-1" },
      "lease/keepalive": { result: { header: HEADER, ID: "291" } },
    };
    expect((await edged("lease timetolive 123")).out).toBe("lease 0000000000000123 already expired\n");
    expect(await edged("lease keep-alive --once 123")).toEqual({
      code: 2,
      out: "",
      err: "Error: etcdserver: requested lease not found\n",
    });
    expect(await edged("lease keep-alive 123")).toEqual(
      success("lease 0000000000000123 expired or revoked.\n"),
    );
    expect((await edged("lease revoke 123")).err).toBe("Error: failed to revoke lease (no)\n");
  });
});

describe("members and endpoints", () => {
  test("member list", async () => {
    const learner = { ID: "2997192235753789584", peerURLs: ["http://127.0.0.1:33333"], isLearner: true };
    answers = { "cluster/member/list": { header: HEADER, members: [learner, MEMBER] } };
    expect(
      (await edged("member list")).out,
    ).toBe(`29982a7567a9d890, unstarted, , http://127.0.0.1:33333, , true
2e1259d415f2a040, started, default, http://127.0.0.1:23800, http://127.0.0.1:23790, false
`);
    answers = { "cluster/member/list": { header: HEADER, members: [MEMBER] } };
    expect(
      (await edged("member list -w table")).out,
    ).toBe(`+------------------+---------+---------+------------------------+------------------------+------------+
|        ID        | STATUS  |  NAME   |       PEER ADDRS       |      CLIENT ADDRS      | IS LEARNER |
+------------------+---------+---------+------------------------+------------------------+------------+
| 2e1259d415f2a040 | started | default | http://127.0.0.1:23800 | http://127.0.0.1:23790 |      false |
+------------------+---------+---------+------------------------+------------------------+------------+
`);
    expect((await edged("member list -w fields")).out).toBe(`${HEADER_FIELDS}"ID" : 3319814642761637952
"Name" : "default"
"PeerURL" : "http://127.0.0.1:23800"
"ClientURL" : "http://127.0.0.1:23790"
"IsLearner" : false

`);
  });

  test("member add, with the region alone", async () => {
    const member = { ID: "2997192235753789584", peerURLs: ["edged://r4?region=weur"], isLearner: true };
    answers = { "cluster/member/add": { header: HEADER, member, members: [member, MEMBER] } };
    expect(
      (await edged("member add r4 --region weur --learner")).out,
    ).toBe(`Member 29982a7567a9d890 added to cluster  48276a8f75b6a87

ETCD_NAME="r4"
ETCD_INITIAL_CLUSTER="r4=edged://r4?region=weur,default=http://127.0.0.1:23800"
ETCD_INITIAL_ADVERTISE_PEER_URLS="edged://r4?region=weur"
ETCD_INITIAL_CLUSTER_STATE="existing"
`);
    expect(gateway.requests.at(-1)?.body).toEqual({ peerURLs: ["edged://r4?region=weur"], isLearner: true });
  });

  test("endpoint status, of each endpoint and of each member", async () => {
    answers = {
      "maintenance/status": {
        header: HEADER,
        version: "3.4.23",
        dbSize: "20480",
        leader: "3319814642761637952",
        raftIndex: "36",
        raftTerm: "2",
        raftAppliedIndex: "36",
        dbSizeInUse: "16384",
      },
      "cluster/member/list": { members: [{ name: "r1" }, { name: "r2" }, { name: "" }] },
    };
    const { host } = new URL(gateway.url);
    expect((await edged(`endpoint status --endpoints ${host}`)).out).toBe(
      `${host}, 2e1259d415f2a040, 3.4.23, 20 kB, true, false, 2, 36, 36, \n`,
    );
    expect((await edged(`endpoint status -w json --endpoints ${host}`)).out).toBe(
      `[{"Endpoint":"${host}","Status":{${GO_HEADER},"version":"3.4.23","dbSize":20480,"leader":3319814642761637952,"raftIndex":36,"raftTerm":2,"raftAppliedIndex":36,"dbSizeInUse":16384}}]\n`,
    );
    const each = await edged(`endpoint status --cluster --endpoints ${host}`);
    expect(each.out.split("\n").map((line) => line.split(",")[0])).toEqual([`${host}#r1`, `${host}#r2`, ""]);
    expect(gateway.requests.slice(-2).map(({ headers }) => headers["x-edged-replica"])).toEqual(["r1", "r2"]);
  });

  test("endpoint health tells who is ill, and fails", async () => {
    answers = { "kv/range": { header: HEADER } };
    const run = await edged(`endpoint health --endpoints ${gateway.url},127.0.0.1:1`);
    expect(run.code).toBe(1);
    expect(run.out).toMatch(
      /is healthy: successfully committed proposal: took = [\d.]+m?s\n127.0.0.1:1 is unhealthy/,
    );
    expect(run.err).toBe("Error: unhealthy cluster\n");
  });
});

describe("users and roles", () => {
  test("what a role permits", async () => {
    answers = {
      "auth/role/get": {
        header: HEADER,
        perm: [
          { key: "Zm9v" },
          { permType: "READWRITE", key: "Zm9v", range_end: "YmFy" },
          { permType: "WRITE", key: "cA==", range_end: "cQ==" },
          { permType: "WRITE", key: "cDI=", range_end: "AA==" },
        ],
      },
    };
    expect((await edged("role get r1")).out).toBe(`Role r1
KV Read:
	foo
	[foo, bar)
KV Write:
	[foo, bar)
	[p, q) (prefix p)
	[p2, <open ended>
`);
    expect((await edged("role get r1 -w json")).out).toBe(
      `{${GO_HEADER},"perm":[{"key":"Zm9v"},{"permType":2,"key":"Zm9v","range_end":"YmFy"},{"permType":1,"key":"cA==","range_end":"cQ=="},{"permType":1,"key":"cDI=","range_end":"AA=="}]}\n`,
    );
  });

  test("passwords from the name, a flag, standard input", async () => {
    answers = { "auth/user/add": { header: HEADER }, "auth/user/changepw": { header: HEADER } };
    expect(await edged("user add alice:pw")).toEqual(success("User alice created\n"));
    await edged("user add alice --new-user-password pw");
    await edged("user add alice --interactive=false", { input: "pw\n" });
    await edged("user add bob --no-password");
    expect(gateway.asked("/v3/auth/user/add")).toEqual([
      ...Array(3).fill({ name: "alice", password: "pw" }),
      { name: "bob", options: { no_password: true } },
    ]);
    expect(await edged("user passwd alice --interactive=false", { input: "pw2\n" })).toEqual(
      success("Password updated\n"),
    );
  });

  test("a user signs in before anything else", async () => {
    answers = { "auth/authenticate": { header: HEADER, token: "abc.9" }, "kv/put": { header: HEADER } };
    await edged("put k v --user alice:pw:x");
    await edged("put k v", { env: { EDGED_USER: "alice", EDGED_PASSWORD: "pw:x" } });
    expect(gateway.asked("/v3/auth/authenticate")).toEqual(
      Array(2).fill({ name: "alice", password: "pw:x" }),
    );
    expect(gateway.requests.at(-1)?.headers["grpc-metadata-token"]).toBe("abc.9");
    await edged("put k v --user alice", { input: "typed\n" });
    expect(gateway.asked("/v3/auth/authenticate").at(-1)).toEqual({ name: "alice", password: "typed" });
  });

  test("auth enable gives root its role", async () => {
    let tries = 0;
    const root = new ScriptedGateway(({ path }, response) => {
      const isRefused = path === "/v3/auth/enable" && tries++ === 0;
      const error = { error: "etcdserver: root user does not have root role", code: 9 };
      response.writeHead(isRefused ? 412 : 200).end(JSON.stringify(isRefused ? error : {}));
    });
    await root.listen();
    expect(await runEdged(root.url, ["auth", "enable"])).toEqual(success("Authentication Enabled\n"));
    expect(root.requests.map(({ path }) => path.replace("/v3/auth/", ""))).toEqual([
      "enable",
      "role/add",
      "user/grant",
      "enable",
    ]);
    await root.close();
  });
});

test("alarms", async () => {
  answers = {
    "maintenance/alarm": { header: HEADER, alarms: [{ memberID: "10276657743932975437", alarm: "NOSPACE" }] },
  };
  expect((await edged("alarm list")).out).toBe("memberID:10276657743932975437 alarm:NOSPACE \n");
  await edged("alarm disarm");
  expect(gateway.requests.at(-1)?.body).toEqual({
    action: "DEACTIVATE",
    memberID: "10276657743932975437",
    alarm: "NOSPACE",
  });
});
