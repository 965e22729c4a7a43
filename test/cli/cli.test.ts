/** The command line, against the gateway over a fake store. */
import { spawnSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { create } from "@bufbuild/protobuf";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { KeyValueSchema } from "../../src/wire/gen/etcd/kv_pb.ts";
import { ENV, FakeStore, testGateway, unavailable } from "../gateway/fakes.ts";
import { closedPort, Frontend, type Run, runEdged, spawnEdged, success } from "./support/edged.ts";

async function temporaryFolder(): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await mkdtemp(join(tmpdir(), "edged-cli-"));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true }) };
}

const TOKEN = "correct-horse-battery";

const frontend = new Frontend();
let endpoint = "";

beforeAll(async () => {
  endpoint = await frontend.listen();
});
afterAll(() => frontend.close());
beforeEach(() => {
  frontend.gateway = testGateway();
  frontend.requests.length = 0;
});

function edged(
  args: readonly string[],
  input: string | Uint8Array = "",
  env: NodeJS.ProcessEnv = {},
): Promise<Run> {
  return runEdged(endpoint, args, { input, env });
}

describe("put, get and del", () => {
  test("answer as etcdctl does", async () => {
    expect(await edged(["put", "name", "john"])).toEqual(success("OK\n"));
    expect(await edged(["get", "name"])).toEqual(success("name\njohn\n"));
    expect(await edged(["get", "name", "--print-value-only"])).toEqual(success("john\n"));
    expect(await edged(["get", "name", "--keys-only"])).toEqual(success("name\n\n"));
    expect(await edged(["get", "name", "--hex"])).toEqual(
      success("\\x6e\\x61\\x6d\\x65\n\\x6a\\x6f\\x68\\x6e\n"),
    );
    expect(await edged(["del", "name"])).toEqual(success("1\n"));
    expect(await edged(["del", "name"])).toEqual(success("0\n"));
    expect(await edged(["get", "name"])).toEqual(success(""));
  });

  test("a value from standard input is kept byte by byte", async () => {
    const bytes = new Uint8Array([0, 255, 13, 10]);
    expect(await edged(["put", "k"], bytes)).toEqual(success("OK\n"));
    expect(frontend.gateway.store.kvs[0]?.value).toEqual(bytes);
    expect(await edged(["get", "k"])).toEqual(success("k\n\0\u00ff\r\n\n"));
    expect((await edged(["get", "k", "--json"])).out).toContain(
      '"key":"aw==","create_revision":2,"mod_revision":2,"version":1,"value":"AP8NCg=="',
    );
  });

  test("an empty value and one that starts with a dash are values", async () => {
    expect(await edged(["put", "a", ""])).toEqual(success("OK\n"));
    expect(await edged(["put", "b", "--", "-1"])).toEqual(success("OK\n"));
    expect(await edged(["get", "", "--prefix"])).toEqual(success("a\n\nb\n-1\n"));
  });

  test.each(["/a/b", "a/../b", "../x", "a b+c", "50%", "x?y#z", "%2e", "schlüssel", "a\nb"])(
    "the key %j",
    async (key) => {
      expect(await edged(["put", key, "1"])).toEqual(success("OK\n"));
      expect(frontend.gateway.store.kvs.map((kv) => Buffer.from(kv.key).toString())).toEqual([key]);
      expect((await edged(["get", key, "--print-value-only"])).out).toBe("1\n");
      expect((await edged(["get", key, "--prefix", "--print-value-only"])).out).toBe("1\n");
      expect((await edged(["del", key, "--prefix"])).out).toBe("1\n");
    },
  );

  test("reads take options along", async () => {
    await edged(["put", "a", "1"]);
    await edged(["get", "a", "--rev", "2", "--consistency", "s"]);
    expect(frontend.requests.at(-1)?.url).toBe("/v3/kv/range");
    const future = await edged(["get", "a", "--rev", "99"]);
    expect(future).toMatchObject({ code: 1, out: "" });
    expect(future.err).toMatch(/^Error: etcdserver: mvcc: required revision is a future revision/);
  });
});

test("the program itself: arguments, standard input, exit code", async () => {
  const bytes = new Uint8Array([0, 255, 10]);
  expect(await spawnEdged(endpoint, ["put", "k"], bytes)).toEqual(success("OK\n"));
  expect(await spawnEdged(endpoint, ["get", "k", "--print-value-only"], "")).toEqual(success("\0\u00ff\n\n"));
  expect(await spawnEdged(endpoint, ["get"], "")).toMatchObject({ code: 128, out: "" });
});

describe("prefixes", () => {
  test("are read page by page at one revision", async () => {
    const store = new FakeStore();
    store.revision = 9;
    store.kvs = Array.from({ length: 2_500 }, (_, position) =>
      create(KeyValueSchema, {
        key: Buffer.from(`k${String(position).padStart(4, "0")}`),
        value: Buffer.from("v"),
        modRevision: 9n,
      }),
    );
    frontend.gateway = testGateway(ENV, store);
    const all = await edged(["get", "k", "--prefix", "--keys-only"]);
    expect(all.err).toBe("");
    expect(all.out.split("\n\n").filter((line) => line !== "")).toHaveLength(2_500);
    expect(frontend.requests.map(({ url }) => url)).toEqual(Array(3).fill("/v3/kv/range"));
    frontend.requests.length = 0;
    expect((await edged(["get", "k", "--prefix", "--limit", "2", "--print-value-only"])).out).toBe("v\nv\n");
    expect(frontend.requests).toHaveLength(1);
  });

  test("an empty one deletes everything only with --all", async () => {
    await edged(["put", "a", "1"]);
    expect(await edged(["del", "", "--prefix"])).toMatchObject({ code: 128, out: "" });
    expect(frontend.gateway.store.kvs).toHaveLength(1);
    expect(await edged(["del", "", "--prefix", "--all"])).toEqual(success("1\n"));
  });
});

describe("status", () => {
  test("shows the replicas", async () => {
    const { code, out, err } = await edged(["status"]);
    expect({ code, err }).toEqual({ code: 0, err: "" });
    expect(out.split("\n")).toEqual([
      "NAME  REGION   ROLE      TERM  REVISION  APPLIED  LAG  DB SIZE",
      "r1    enam     leader    2     1         9        0    4.0 KiB",
      "r2    weur     follower  2     1         9        0    4.0 KiB",
      "r3    apac-ne  follower  2     1         9        0    4.0 KiB",
      "cluster default has a quorum: 3 of 3 replicas reachable, 2 needed, leader r1",
      "",
    ]);
  });

  test("fails without a quorum", async () => {
    for (const member of ["r1", "r2"])
      frontend.gateway.replicas.down.set(member, () => unavailable("timeout"));
    const { code, out } = await edged(["status"]);
    expect(code).toBe(1);
    expect(out).toContain("r1    enam     unreachable  -");
    expect(out).toContain("cluster default has NO quorum: 1 of 3 replicas reachable, 2 needed");
    const json = await edged(["status", "-w", "json"]);
    expect([json.code, JSON.parse(json.out).has_quorum]).toEqual([1, false]);
  });
});

describe("where and as whom", () => {
  test("--cluster, --token and their places", async () => {
    frontend.gateway = testGateway({ ...ENV, API_TOKEN: TOKEN });
    expect(await edged(["put", "a", "1", "--cluster", "blue", "--token", TOKEN])).toEqual(success("OK\n"));
    expect(frontend.requests.at(-1)?.url).toBe("/clusters/blue/v3/kv/put");
    expect(await edged(["get", "a"], "", { EDGED_TOKEN: TOKEN })).toEqual(success("a\n1\n"));
    const refused = await edged(["get", "a"]);
    expect(refused.code).toBe(1);
    expect(refused.err).toContain("EDGED_TOKEN");
  });

  test("--endpoint and --endpoints, with and without a scheme", async () => {
    const env = { EDGED_ENDPOINT: "http://127.0.0.1:1" };
    for (const option of ["--endpoint", "--endpoints"]) {
      expect(await edged(["put", "a", "1", option, `${endpoint}/`], "", env)).toEqual(success("OK\n"));
    }
    expect(await edged(["--endpoints", endpoint.replace("http://", ""), "get", "a"], "", env)).toEqual(
      success("a\n1\n"),
    );
  });

  test("the next endpoint is tried when nobody listens at the first", async () => {
    const endpoints = `127.0.0.1:${await closedPort()},${endpoint}`;
    expect(await edged(["put", "a", "1", "--endpoints", endpoints])).toEqual(success("OK\n"));
    expect(frontend.requests.map((request) => request.headers["idempotency-key"])).toHaveLength(1);
  });

  test("a write whose connection broke is not sent to the next endpoint and not called failed; a read is", async () => {
    const breaking = createServer((request) => request.destroy());
    await new Promise<void>((resolve) => breaking.listen(0, "127.0.0.1", resolve));
    const { port } = breaking.address() as AddressInfo;
    const endpoints = `127.0.0.1:${port},${endpoint}`;
    const write = await edged(["put", "a", "1", "--endpoints", endpoints]);
    expect(write.code).toBe(2);
    expect(write.err).toContain("the write may or may not have taken effect");
    expect(frontend.requests).toEqual([]);
    expect(await edged(["get", "a", "--endpoints", endpoints])).toEqual(success(""));
    breaking.closeAllConnections();
    await new Promise((resolve) => breaking.close(resolve));
  });

  test("a server that is not there names the fix", async () => {
    const nowhere = `http://127.0.0.1:${await closedPort()}`;
    const run = await edged(["get", "a", "--endpoint", nowhere]);
    expect(run).toMatchObject({ code: 2, out: "" });
    expect(run.err).toBe(
      `Error: cannot connect to ${nowhere} (ECONNREFUSED)\n(is \`npm start\` running? Another address: --endpoints URL or EDGED_ENDPOINT)\n`,
    );
  });

  test("a server that is something else is noticed", async () => {
    const other = createServer((_request, response) => response.writeHead(404).end("<html>"));
    await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
    const { port } = other.address() as AddressInfo;
    for (const args of [["get", "a"], ["put", "a", "1"], ["status"]]) {
      const run = await edged([...args, "--endpoint", `127.0.0.1:${port}`]);
      expect(run).toMatchObject({ code: 1, out: "" });
      expect(run.err).toContain("is the address right?");
    }
    other.closeAllConnections();
    await new Promise((resolve) => other.close(resolve));
  });

  test("a server that never answers is given up, and a write is not called failed", async () => {
    const silent = createServer(() => {});
    await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
    const { port } = silent.address() as AddressInfo;
    const run = await edged([
      "put",
      "a",
      "1",
      "--endpoint",
      `127.0.0.1:${port}`,
      "--command-timeout",
      "200ms",
    ]);
    expect(run.code).toBe(1);
    expect(run.err).toContain("within 200 ms; the write may or may not have taken effect");
    silent.closeAllConnections();
    await new Promise((resolve) => silent.close(resolve));
  });
});

describe("wrong usage asks nobody", () => {
  test.each([
    [[], 128, "Usage: edged"],
    [["frob"], 128, "unknown command 'frob'"],
    [["get"], 128, "get command needs one argument as key"],
    [["get", "a", "b", "c"], 128, "too many arguments"],
    [["get", "a", "b", "--prefix"], 128, "only accept one argument when"],
    [["get", "a", "--prefix", "--from-key"], 128, "cannot be set at the same time"],
    [["get", "a", "--frob"], 128, "unknown option '--frob'"],
    [["get", "a", "--limit", "x"], 128, "must be a whole number"],
    [["get", "a", "--rev", "9223372036854775808"], 128, "must be a whole number"],
    [["get", "a", "--consistency", "x"], 4, "unknown consistency flag"],
    [["get", "a", "--order", "x"], 4, "bad sort order x"],
    [["get", "a", "--keys-only", "--print-value-only"], 128, "nothing to print"],
    [["get", "a", "-w", "xml"], 4, "unsupported output format"],
    [["put", "a", "1", "-w", "table"], 4, "table not supported as output format"],
    [["put", "a", "1", "--lease", "zz"], 128, "expecting ID in Hex"],
    [["lease", "grant", "x"], 128, "bad TTL"],
    [["lock"], 128, "lock takes a lock name"],
    [["elect", "a"], 128, "no proposal argument but -l not set"],
    [["member", "remove", "zz"], 128, "expecting ID in Hex"],
    [["member", "add", "r4"], 128, "member peer urls not provided"],
    [["role", "grant-permission", "a", "frob", "k"], 128, "invalid permission type: frob"],
    [["completion", "tcsh"], 128, "bash, zsh, fish"],
    [["get", "a", "--command-timeout", "5"], 128, "Write it as 500ms, 5s or 1m"],
    [["get", "a", "--endpoint", "ftp://x"], 128, "is no endpoint"],
    [["get", "a", "--config", "/nowhere/at/all"], 128, "there is no such file"],
  ])("%j", async (args, code, message) => {
    const run = await edged(args);
    expect(run).toMatchObject({ code, out: "" });
    expect(run.err).toContain(message);
    expect(frontend.requests).toEqual([]);
  });
});

test("help fits a screen of 80 columns and 30 lines", async () => {
  const run = await edged(["--help"]);
  expect(run.code).toBe(0);
  const lines = run.out.split("\n");
  expect(lines.length).toBeLessThanOrEqual(30);
  expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(80);
  const { out: script } = await edged(["completion", "bash"]);
  const verbs = /"" *\) words="([^"]*)"/.exec(script)?.[1]?.split(" ") ?? [];
  expect(verbs.length).toBeGreaterThan(25);
  for (const verb of verbs.filter((word) => !word.startsWith("--"))) {
    expect(run.out).toMatch(new RegExp(`^  .*\\b${verb}\\b`, "m"));
  }
});

test("--version is the package's", async () => {
  expect((await edged(["--version"])).out).toMatch(/^\d+\.\d+\.\d+\n$/);
});

describe("settings", () => {
  test("come from flags, else the environment, else a file", async () => {
    await using folder = await temporaryFolder();
    const file = join(folder.path, "config.json");
    await writeFile(
      file,
      JSON.stringify({ endpoints: ["127.0.0.1:1", endpoint], cluster: "blue", "write-out": "json" }),
    );
    const env = { EDGED_ENDPOINT: "", EDGED_CONFIG: file };
    expect((await edged(["put", "a", "1"], "", env)).out).toMatch(/^\{"header"/);
    expect(frontend.requests.at(-1)?.url).toBe("/clusters/blue/v3/kv/put");
    expect(
      await edged(["put", "a", "1"], "", { ...env, EDGED_CLUSTER: "green", EDGED_WRITE_OUT: "simple" }),
    ).toEqual(success("OK\n"));
    expect(frontend.requests.at(-1)?.url).toBe("/clusters/green/v3/kv/put");
    await edged(["put", "a", "1", "--cluster", "red"], "", { ...env, EDGED_CLUSTER: "green" });
    expect(frontend.requests.at(-1)?.url).toBe("/clusters/red/v3/kv/put");
    await writeFile(file, '{"endpoint": "x"}');
    const wrong = await edged(["get", "a"], "", env);
    expect(wrong).toMatchObject({ code: 128, out: "" });
    expect(wrong.err).toContain('there is no "endpoint"; there are endpoints, token');
  });
});

test.each(["bash", "zsh"])("completion for %s knows the verbs below a verb", async (shell) => {
  const { out } = await edged(["completion", shell]);
  const ask = `_edged_words() { COMP_WORDS=(edged "$@"); COMP_CWORD=$#; _edged; echo "\${COMPREPLY[@]}"; }`;
  const script = `${out.replace(/^autoload.*$/m, "")}\n${ask}\n_edged_words -w json lease ""; _edged_words le; _edged_words get --pri`;
  const run = spawnSync("bash", ["-c", script], { encoding: "utf8" });
  expect(run.stdout).toBe("grant revoke timetolive list keep-alive --help\nlease\n--print-value-only\n");
});
