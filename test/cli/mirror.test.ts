/** `make-mirror`: what the destination is told, and when. */
import type { ServerResponse } from "node:http";
import { expect, test } from "vitest";
import { eventually } from "../worker/support/eventually.ts";
import { runEdged, ScriptedGateway, success } from "./support/edged.ts";

const base64 = (text: string): string => Buffer.from(text).toString("base64");
const pair = (key: string, revision: number) => ({
  key: base64(key),
  value: base64(`of ${key}`),
  mod_revision: String(revision),
});
const put = (key: string, of: string) => ({
  request_put: { key: base64(key), value: base64(`of ${of}`) },
});

function line(result: object): string {
  return `${JSON.stringify({ result: { header: { revision: "9" }, ...result } })}\n`;
}

async function mirrored(
  ...flags: readonly string[]
): Promise<{ readonly asked: readonly unknown[]; readonly told: readonly unknown[] }> {
  const stop = new AbortController();
  const watches: ServerResponse[] = [];
  const pages = [
    { header: { revision: "7" }, kvs: [pair("s/a", 3), pair("s/b", 4)], more: true },
    { header: { revision: "8" }, kvs: [pair("s/c", 5)] },
  ];
  const source = new ScriptedGateway(({ path }, response) => {
    if (path === "/v3/kv/range") return void response.end(JSON.stringify(pages.shift()));
    response.write(line({ created: true }));
    watches.push(response);
  });
  const destination = new ScriptedGateway((_request, response) => void response.end("{}"));
  await Promise.all([source.listen(), destination.listen()]);
  try {
    const run = runEdged(source.url, ["make-mirror", "--prefix", "s/", ...flags, destination.url], {
      interrupt: stop.signal,
    });
    const watch = await eventually("the source is watched", async () => watches[0] ?? null);
    // Two changes of one revision, and one of the next.
    const deleted = { type: "DELETE", kv: { key: base64("s/b"), mod_revision: "8" } };
    watch.write(line({ events: [{ kv: pair("s/a", 8) }, deleted, { kv: pair("s/d", 9) }] }));
    await eventually("all is told", async () => (destination.requests.length === 4 ? true : null));
    stop.abort();
    expect(await run).toEqual(success("6\n"));
    return {
      asked: source.requests.map(({ body }) => body),
      told: destination.requests.map(({ path, body }) => [path, body]),
    };
  } finally {
    await Promise.all([source.close(), destination.close()]);
  }
}

test("all keys at one revision, then every change behind it, a revision at a time", async () => {
  const { asked, told } = await mirrored();
  const range = { key: base64("s/"), range_end: base64("s0") };
  expect(asked).toEqual([
    { ...range, limit: "1000", revision: "0" },
    { ...range, key: base64("s/b\0"), limit: "1000", revision: "7" },
    { create_request: { ...range, start_revision: "8" } },
  ]);
  expect(told).toEqual([
    ["/v3/kv/txn", { success: [put("s/a", "s/a"), put("s/b", "s/b")] }],
    ["/v3/kv/txn", { success: [put("s/c", "s/c")] }],
    ["/v3/kv/txn", { success: [put("s/a", "s/a"), { request_delete_range: { key: base64("s/b") } }] }],
    ["/v3/kv/txn", { success: [put("s/d", "s/d")] }],
  ]);
});

test.each([
  [["--dest-prefix", "to/"], "to/a"],
  [["--no-dest-prefix"], "a"],
])("keys are named anew with %s", async (flags, name) => {
  const { told } = await mirrored(...flags);
  expect(JSON.stringify(told[0])).toContain(JSON.stringify(put(name, "s/a")));
});

test("a load that is not known is refused", async () => {
  const { code, err } = await runEdged("http://127.0.0.1:1", ["check", "perf", "--load", "huge"], {});
  expect([code, err]).toEqual([128, expect.stringContaining("s, m, l, xl")]);
});
