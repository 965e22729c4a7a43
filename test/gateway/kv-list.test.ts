import { describe, expect, test } from "vitest";
import { LIMITS } from "../../src/base/limits.ts";
import { testGateway } from "./fakes.ts";
import { expectJson, put, seeded } from "./requests.ts";

describe("GET /kv/?prefix=", () => {
  test("lists keys in order with their versions", async () => {
    const gateway = await seeded("b/1", "a/2", "a/1");
    const response = await gateway.app.request("/kv/?prefix=a/");
    expect(await response.json()).toEqual({
      keys: [
        { key: "a/1", value: "v-a/1", create_revision: 4, mod_revision: 4, version: 1 },
        { key: "a/2", value: "v-a/2", create_revision: 3, mod_revision: 3, version: 1 },
      ],
      more: false,
      revision: 4,
    });
    expect(response.headers.get("X-Edged-Revision")).toBe("4");
  });

  test("pages follow each other through the cursor, whatever bytes the keys hold", async () => {
    const paths = ["a%00", "a", "a%FF", "a%FF%FF", "a%2B%2F%3D", "ab"];
    const gateway = await seeded(...paths);
    const seen: string[] = [];
    let next: string | undefined;
    for (let page = 0; page < 10; page += 1) {
      const after = next === undefined ? "" : `&after=${next}`;
      const response = await gateway.app.request(`/kv/?prefix=a&limit=1&keys_only${after}`);
      const body: { keys: { key?: string; key_base64?: string }[]; more: boolean; next?: string } =
        JSON.parse(await response.text());
      expect(body.keys).toHaveLength(1);
      seen.push(...body.keys.map((item) => String(item.key ?? `base64:${item.key_base64}`)));
      next = body.next;
      if (!body.more) break;
    }
    expect(seen).toEqual(["a", "a\0", "a+/=", "ab", "base64:Yf8=", "base64:Yf//"]);
    expect(next).toBeUndefined();
  });

  test("a cursor below the prefix does not lead out of it", async () => {
    const gateway = await seeded("a", "b", "c");
    const after = Buffer.from("a").toString("base64url");
    const response = await gateway.app.request(`/kv/?prefix=c&after=${after}`);
    expect(await response.json()).toMatchObject({ keys: [{ key: "c" }], more: false });
  });

  test("an empty prefix lists everything", async () => {
    const gateway = await seeded("%00", "%FF");
    const response = await gateway.app.request("/kv?prefix=");
    expect(await response.json()).toMatchObject({
      keys: [{ key: "\0" }, { key_base64: "/w==" }],
      more: false,
    });
  });

  test("keys_only leaves values out; bytes that are no text come as base64", async () => {
    const gateway = testGateway();
    await put(gateway, "/kv/a", new Uint8Array([0xff]));
    const full = await gateway.app.request("/kv/?prefix=a");
    expect(await full.json()).toMatchObject({ keys: [{ key: "a", value_base64: "/w==" }] });
    for (const flag of ["keys_only", "keys_only=true", "keys_only=1"]) {
      const body: { keys: object[] } = JSON.parse(
        await (await gateway.app.request(`/kv/?prefix=a&${flag}`)).text(),
      );
      expect(body.keys).toEqual([{ key: "a", create_revision: 2, mod_revision: 2, version: 1 }]);
    }
  });

  test("a page ends by bytes too, but holds one key at least", async () => {
    const gateway = testGateway();
    const value = new Uint8Array(1_500_000);
    for (const key of ["a", "b", "c", "d"]) await put(gateway, `/kv/${key}`, value);
    const first = await gateway.app.request("/kv/?prefix=");
    const body: { keys: object[]; more: boolean; next: string } = JSON.parse(await first.text());
    expect([body.keys.length, body.more]).toEqual([2, true]);
    const second = await gateway.app.request(`/kv/?prefix=&after=${body.next}`);
    expect(await second.json()).toMatchObject({ keys: [{ key: "c" }, { key: "d" }], more: false });
  });

  test("a page of an old revision names that revision", async () => {
    const gateway = await seeded("a", "b");
    expect(await (await gateway.app.request("/kv/?prefix=&revision=2")).json()).toMatchObject({
      revision: 2,
    });
  });

  test.each([
    ["/kv/", "empty_key"],
    ["/kv", "empty_key"],
    ["/kv/?limit=10", "empty_key"],
    ["/kv/?prefix=a&limit=0", "invalid_parameter"],
    [`/kv/?prefix=a&limit=${LIMITS.listKeysMax + 1}`, "invalid_parameter"],
    ["/kv/?prefix=a&limit=ten", "invalid_parameter"],
    ["/kv/?prefix=a&after=%21", "invalid_parameter"],
    ["/kv/?prefix=a&after=abcde", "invalid_parameter"],
    ["/kv/?prefix=a&after=", "invalid_parameter"],
    ["/kv/?prefix=a&keys_only=maybe", "invalid_parameter"],
    ["/kv/?prefix=a&prefix=b", "invalid_parameter"],
    ["/kv/?prefix=%zz", "invalid_parameter"],
    ["/kv/?prefix=a&order=desc", "unknown_parameter"],
  ])("%s is refused as %s", async (path, code) => {
    const gateway = testGateway();
    const response = await gateway.app.request(path);
    expect(response.status).toBe(400);
    expectJson(response);
    expect(await response.json()).toMatchObject({ code });
    expect(gateway.replicas.calls).toEqual([]);
  });
});
