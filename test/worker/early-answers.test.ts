/**
 * Requests that are refused before their body was needed, in the real runtime: whoever is amid a large
 * upload hears the refusal. The runtime breaks the connection of an answer that leaves before the body
 * has come, and the client then sees a reset instead of the answer.
 */
import { connect } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { LIMITS } from "../../src/base/limits.ts";
import { WorkerCluster } from "./support/worker-cluster.ts";

const LARGE = new Uint8Array(8 * 1024 * 1024);
const TOKEN = "early";
/** A reset is a matter of luck: before bodies were read, each case met one within a few times. */
const TIMES = 10;
/** Above what a stalled upload is waited for, below what a test may take. */
const HEARD_MS = 20_000;

const CASES: readonly (readonly [
  what: string,
  method: string,
  path: string,
  headers: Readonly<Record<string, string>>,
  status: number,
])[] = [
  ["a value above the limit", "PUT", "/kv/k", {}, 413],
  ["a value above the limit, with a condition", "PUT", "/kv/k", { "If-None-Match": "*" }, 413],
  ["a bad header", "PUT", "/kv/k", { "If-Match": "5" }, 400],
  ["a bad parameter", "PUT", "/kv/k?ttl=never", {}, 400],
  ["an unknown replica", "PUT", "/kv/k", { "X-Edged-Replica": "r9" }, 400],
  ["no key", "PUT", "/kv/", {}, 400],
  ["a wrong method", "POST", "/kv/k", {}, 405],
  ["an unknown path", "PUT", "/keys/k", {}, 404],
  ["an unknown cluster", "PUT", "/clusters/other/kv/k", {}, 404],
  ["no token", "PUT", "/kv/k", { Authorization: "" }, 401],
  ["a wrong token", "POST", "/v3/kv/put", { Authorization: "Bearer other" }, 401],
  ["an unknown path of etcd", "POST", "/v3/kv/puts", {}, 404],
  ["a path of etcd without its slash", "POST", "/v3", {}, 301],
  ["a wrong method of etcd", "PUT", "/v3/kv/put", {}, 405],
  ["a bad deadline", "POST", "/v3/kv/put", { "Grpc-Timeout": "soon" }, 400],
  ["a part of a backup that is none", "POST", "/restore?backup=x", {}, 400],
  ["a content type that no RPC has", "POST", "/etcdserverpb.KV/Put", {}, 415],
];

describe("answers before the body", () => {
  let cluster: WorkerCluster;

  beforeAll(async () => {
    cluster = await WorkerCluster.start({ replicas: 1, vars: { API_TOKEN: TOKEN } });
  });

  afterAll(async () => {
    await cluster[Symbol.asyncDispose]();
  });

  test.for(CASES)("%s", async ([, method, path, headers, status]) => {
    for (let i = 0; i < TIMES; i += 1) {
      const response = await fetch(`${cluster.client.url}${path}`, {
        method,
        body: LARGE,
        headers: { Authorization: `Bearer ${TOKEN}`, "Content-Type": "text/plain", ...headers },
        redirect: "manual",
        signal: AbortSignal.timeout(HEARD_MS),
      });
      expect(response.status).toBe(status);
      await response.arrayBuffer();
    }
  });

  /** What a client hears that announces more than it ever sends. */
  function hear(lengthBytes: number): Promise<string> {
    const { hostname, port } = new URL(cluster.client.url);
    return new Promise((resolve, reject) => {
      const socket = connect(Number(port), hostname, () => {
        socket.write(
          `PUT /kv/k HTTP/1.1\r\nHost: edged\r\nAuthorization: Bearer ${TOKEN}\r\nContent-Length: ${lengthBytes}\r\n\r\n`,
        );
        socket.write(new Uint8Array(1_000));
      });
      socket.setTimeout(HEARD_MS, () => socket.destroy(new Error("nothing was heard")));
      socket.on("error", reject);
      socket.on("data", (bytes) => {
        resolve(bytes.toString("latin1").split("\r\n")[0] ?? "");
        socket.destroy();
      });
    });
  }

  test("who stops sending hears the refusal all the same", async () => {
    expect(await hear(LARGE.length)).toContain(" 413 ");
  });

  test("more than is ever read is refused at once", async () => {
    const beganAt = performance.now();
    expect(await hear(LIMITS.discardBytesMax + 1)).toContain(" 413 ");
    expect(performance.now() - beganAt).toBeLessThan(1_500);
  });
});
