import { describe, expect, test } from "vitest";
import { LIMITS } from "../../src/base/limits.ts";
import { testGateway } from "./fakes.ts";
import { put } from "./requests.ts";

describe("size", () => {
  /** An endless body that counts what was taken of it. */
  function endless() {
    const taken = { bytes: 0, cancelled: false };
    const body = new ReadableStream({
      pull(controller) {
        taken.bytes += 65_536;
        controller.enqueue(new Uint8Array(65_536));
      },
      cancel() {
        taken.cancelled = true;
      },
    });
    return { body, taken };
  }

  test("a declared size above the limit is read and thrown away before it is refused", async () => {
    const gateway = testGateway();
    const headers = { "Content-Length": String(LIMITS.requestBytesMax + 1) };
    const chunks = [new Uint8Array(LIMITS.requestBytesMax), new Uint8Array(1)];
    let ended = false;
    const body = new ReadableStream({
      pull(controller) {
        const chunk = chunks.shift();
        ended = chunk === undefined;
        if (chunk === undefined) controller.close();
        else controller.enqueue(chunk);
      },
    });
    const request = new Request("http://gateway/kv/a", { method: "PUT", body, headers, duplex: "half" });
    const response = await gateway.app.request(request);
    expect(response.status).toBe(413);
    expect(await response.json()).toMatchObject({ code: "request_too_large" });
    expect(ended).toBe(true);
    expect(gateway.replicas.calls).toEqual([]);
  });

  test("a declared size above what is ever read is refused unread", async () => {
    const gateway = testGateway();
    const headers = { "Content-Length": String(LIMITS.discardBytesMax + 1) };
    const { body, taken } = endless();
    const request = new Request("http://gateway/kv/a", { method: "PUT", body, headers, duplex: "half" });
    const response = await gateway.app.request(request);
    expect(response.status).toBe(413);
    expect(await response.json()).toMatchObject({ code: "request_too_large" });
    expect(taken.bytes).toBeLessThanOrEqual(65_536);
  });

  test.each([
    ["DELETE", "/kv/a", 200],
    ["PUT", "/kv/a?ttl=never", 400],
    ["POST", "/v3/kv/puts", 404],
    ["POST", "/etcdserverpb.KV/Put", 415],
  ])("%s %s has no use for its body, and waits for the end of it: %i", async (method, path, wanted) => {
    const gateway = testGateway();
    let left = 40;
    const body = new ReadableStream({
      pull(controller) {
        left -= 1;
        if (left === 0) controller.close();
        else controller.enqueue(new Uint8Array(65_536));
      },
    });
    const headers = { "Content-Type": "text/plain" };
    const request = new Request(`http://gateway${path}`, { method, body, headers, duplex: "half" });
    expect((await gateway.app.request(request)).status).toBe(wanted);
    expect(left).toBe(0);
  });

  test("an undeclared size is not held beyond the limit, and given up in the end", async () => {
    const gateway = testGateway();
    const { body, taken } = endless();
    const request = new Request("http://gateway/kv/a", { method: "PUT", body, duplex: "half" });
    const response = await gateway.app.request(request);
    expect(response.status).toBe(413);
    expect(taken.cancelled).toBe(true);
    expect(taken.bytes).toBeLessThan(LIMITS.discardBytesMax + 3 * 65_536);
    expect(gateway.replicas.calls).toEqual([]);
  });

  test("an undeclared size that ends above the limit is read to its end", async () => {
    const gateway = testGateway();
    const chunks = Array.from({ length: 40 }, () => new Uint8Array(65_536));
    const read = new Set<number>();
    const body = new ReadableStream({
      pull(controller) {
        const chunk = chunks.pop();
        if (chunk === undefined) controller.close();
        else controller.enqueue(chunk);
        read.add(chunks.length);
      },
    });
    const request = new Request("http://gateway/kv/a", { method: "PUT", body, duplex: "half" });
    expect((await gateway.app.request(request)).status).toBe(413);
    expect(read.size).toBe(40);
  });

  test("an undeclared size within the limit is put together", async () => {
    const gateway = testGateway();
    const body = ReadableStream.from([new Uint8Array([1, 2]), new Uint8Array(0), new Uint8Array([3])]);
    const request = new Request("http://gateway/kv/a", { method: "PUT", body, duplex: "half" });
    expect((await gateway.app.request(request)).status).toBe(200);
    expect(gateway.store.kvs[0]?.value).toEqual(new Uint8Array([1, 2, 3]));
  });

  test("what fits as a body must fit with its frame", async () => {
    const gateway = testGateway();
    const large = await put(gateway, "/kv/a", new Uint8Array(LIMITS.requestBytesMax));
    expect(large.status).toBe(413);
    expect(gateway.replicas.calls).toEqual([]);
    expect((await put(gateway, "/kv/a", new Uint8Array(LIMITS.requestBytesMax - 64))).status).toBe(200);
  });
});
