/** The command line, against the gateway over a fake store. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { PassThrough, Readable } from "node:stream";
import { create } from "@bufbuild/protobuf";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { runCli } from "../../scripts/cli/program.mjs";
import { KeyValueSchema } from "../../src/wire/gen/etcd/kv_pb.ts";
import { ENV, FakeStore, testGateway, unavailable } from "../gateway/fakes.ts";

const TOKEN = "correct-horse-battery";

interface Run {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

async function bodyOf(message: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of message) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks);
}

/** Serves whatever gateway is current, and remembers the requests. */
class Frontend {
  gateway = testGateway();
  readonly requests: { method: string; url: string; headers: IncomingMessage["headers"] }[] = [];
  readonly #server: Server = createServer((message, response) => {
    void (async () => {
      const { method = "GET", url = "/", headers } = message;
      this.requests.push({ method, url, headers });
      const body = await bodyOf(message);
      const answer = await this.gateway.app.request(`http://gateway${url}`, {
        method,
        headers: Object.entries(headers).map(([name, value]) => [name, String(value)]),
        ...(method === "GET" ? {} : { body: new Uint8Array(body) }),
      });
      response.writeHead(answer.status, { ...Object.fromEntries(answer.headers), Connection: "close" });
      response.end(Buffer.from(await answer.arrayBuffer()));
    })();
  });

  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
    const { port } = this.#server.address() as AddressInfo;
    return `http://127.0.0.1:${port}`;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

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

function collect(stream: Readable): Promise<Buffer> {
  return stream.toArray().then((chunks: Buffer[]) => Buffer.concat(chunks));
}

/** Runs a command line in this process. */
async function edged(
  args: readonly string[],
  input: string | Uint8Array = "",
  env: NodeJS.ProcessEnv = {},
): Promise<Run> {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const written = Promise.all([collect(stdout), collect(stderr)]);
  const code = await runCli(args, {
    env: { EDGED_ENDPOINT: endpoint, ...env },
    stdin: Readable.from([Buffer.from(input)]),
    stdout,
    stderr,
  });
  stdout.end();
  stderr.end();
  const [out, err] = await written;
  return { code, out: out.toString("latin1"), err: err.toString() };
}

/** Runs it as users do, as a process of its own. */
async function spawned(args: readonly string[], input: string | Uint8Array): Promise<Run> {
  const child = spawn(process.execPath, ["scripts/edged.mjs", ...args], {
    env: { ...process.env, EDGED_ENDPOINT: endpoint },
  });
  const closed = once(child, "close");
  const written = Promise.all([collect(child.stdout), collect(child.stderr)]);
  child.stdin.end(input);
  const [code] = await closed;
  const [out, err] = await written;
  return { code, out: out.toString("latin1"), err: err.toString() };
}

/** A port where nobody listens. */
async function closedPort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

function success(out: string): Run {
  return { code: 0, out, err: "" };
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
    expect(JSON.parse((await edged(["get", "k", "--json"])).out)).toMatchObject({
      keys: [{ key: "k", value_base64: "AP8NCg==" }],
    });
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

  test("json has the server's own names", async () => {
    expect(JSON.parse((await edged(["put", "a", "1", "-w", "json"])).out)).toEqual({ key: "a", revision: 2 });
    const item = { key: "a", value: "1", create_revision: 2, mod_revision: 2, version: 1 };
    expect(JSON.parse((await edged(["get", "a", "--json"])).out)).toEqual({ keys: [item], revision: 2 });
    expect(JSON.parse((await edged(["--json", "get", "a", "--prefix"])).out)).toEqual({
      keys: [item],
      more: false,
      revision: 2,
    });
    expect(JSON.parse((await edged(["get", "zz", "--json"])).out)).toEqual({ keys: [], revision: 2 });
    expect(JSON.parse((await edged(["del", "a", "--json"])).out)).toEqual({ deleted: 1, revision: 3 });
  });

  test("reads take options along", async () => {
    await edged(["put", "a", "1"]);
    await edged(["get", "a", "--rev", "2", "--consistency", "s"]);
    expect(frontend.requests.at(-1)?.url).toBe("/kv/a?revision=2&consistency=serializable");
    const future = await edged(["get", "a", "--rev", "99"]);
    expect(future).toMatchObject({ code: 1, out: "" });
    expect(future.err).toMatch(/^edged: etcdserver: mvcc: required revision is a future revision/);
  });
});

test("the program itself: arguments, standard input, exit code", async () => {
  const bytes = new Uint8Array([0, 255, 10]);
  expect(await spawned(["put", "k"], bytes)).toEqual(success("OK\n"));
  expect(await spawned(["get", "k", "--print-value-only"], "")).toEqual(success("\0\u00ff\n\n"));
  expect(await spawned(["get"], "")).toMatchObject({ code: 2, out: "" });
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
    const pages = frontend.requests.map((request) => new URL(request.url, endpoint).searchParams);
    expect(pages.map((page) => page.get("revision"))).toEqual([null, "9", "9"]);
    frontend.requests.length = 0;
    expect((await edged(["get", "k", "--prefix", "--limit", "2", "--print-value-only"])).out).toBe("v\nv\n");
    expect(frontend.requests).toHaveLength(1);
  });

  test("an empty one deletes everything only with --all", async () => {
    await edged(["put", "a", "1"]);
    expect(await edged(["del", "", "--prefix"])).toMatchObject({ code: 2, out: "" });
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
    expect(frontend.requests.at(-1)?.url).toBe("/clusters/blue/kv/a");
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
    expect(write.code).toBe(1);
    expect(write.err).toContain("the write may or may not have taken effect");
    expect(frontend.requests).toEqual([]);
    expect(await edged(["get", "a", "--endpoints", endpoints])).toEqual(success(""));
    breaking.closeAllConnections();
    await new Promise((resolve) => breaking.close(resolve));
  });

  test("a server that is not there names the fix", async () => {
    const nowhere = `http://127.0.0.1:${await closedPort()}`;
    const run = await edged(["get", "a", "--endpoint", nowhere]);
    expect(run).toMatchObject({ code: 1, out: "" });
    expect(run.err).toBe(
      `edged: cannot connect to ${nowhere} (ECONNREFUSED): is \`npm start\` running? Another address: --endpoint URL or EDGED_ENDPOINT\n`,
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

describe("wrong usage ends with 2 and asks nobody", () => {
  test.each([
    [[], "Usage: edged"],
    [["frob"], "unknown command 'frob'"],
    [["get"], "missing required argument 'key'"],
    [["get", "a", "b"], "too many arguments"],
    [["get", "a", "--frob"], "unknown option '--frob'"],
    [["get", "a", "--limit", "x"], "must be a whole number"],
    [["get", "a", "--consistency", "x"], "must be l (linearizable"],
    [["get", "a", "--keys-only", "--print-value-only"], "nothing to print"],
    [["get", ""], "the key is empty"],
    [["put", "..", "1"], "cannot be put into a URL"],
    [["get", "a", "-w", "xml"], "must be simple or json"],
    [["get", "a", "--command-timeout", "5"], "Write it as 500ms, 5s or 1m"],
    [["get", "a", "--endpoint", "ftp://x"], "is no endpoint"],
  ])("%j", async (args, message) => {
    const run = await edged(args);
    expect(run).toMatchObject({ code: 2, out: "" });
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
  for (const verb of ["put", "get", "del", "status"]) expect(run.out).toContain(`  ${verb} `);
});

test("--version is the package's", async () => {
  expect((await edged(["--version"])).out).toMatch(/^\d+\.\d+\.\d+\n$/);
});
