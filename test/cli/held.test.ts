/** Commands that go on: watches, locks, elections, renewals; and how they end. */
import type { ServerResponse } from "node:http";
import { afterEach, describe, expect, test } from "vitest";
import { eventually } from "../worker/support/eventually.ts";
import { runEdged, ScriptedGateway, type ScriptedRequest, success } from "./support/edged.ts";

const open: ScriptedGateway[] = [];

async function gatewayOf(
  answer: (request: ScriptedRequest, response: ServerResponse) => void,
): Promise<ScriptedGateway> {
  const gateway = new ScriptedGateway(answer);
  open.push(gateway);
  await gateway.listen();
  return gateway;
}

afterEach(async () => {
  for (const gateway of open.splice(0)) await gateway.close();
});

function base64(text: string): string {
  return Buffer.from(text).toString("base64");
}

function created(revision: number): string {
  return `${JSON.stringify({ result: { header: { revision: String(revision) }, created: true } })}\n`;
}

function event(revision: number, value: string | null): string {
  const kv = { key: base64("k"), mod_revision: String(revision), value: base64(value ?? "") };
  const events = [value === null ? { type: "DELETE", kv: { ...kv, value: undefined } } : { kv }];
  return `${JSON.stringify({ result: { header: { revision: String(revision) }, events } })}\n`;
}

describe("watch", () => {
  test("prints events as they arrive and ends well when interrupted", async () => {
    const stop = new AbortController();
    const waiting: ServerResponse[] = [];
    const gateway = await gatewayOf((_request, response) => {
      response.write(created(5));
      waiting.push(response);
    });
    let out = "";
    const run = runEdged(gateway.url, ["watch", "k", "--prefix", "--prev-kv"], {
      interrupt: stop.signal,
      onOutput: (text) => {
        out += text;
      },
    });
    const response = await eventually("the watch is there", async () => waiting[0] ?? null);
    const message = event(6, "x");
    // Wherever the network cuts a message.
    response.write(message.slice(0, 20));
    response.write(message.slice(20) + event(7, null));
    await eventually("both events are printed", async () => (out.includes("DELETE") ? true : null));
    stop.abort();
    expect(await run).toEqual(success("PUT\nk\nx\nDELETE\nk\n\n"));
    expect(gateway.requests[0]?.body).toEqual({
      create_request: { key: "aw==", range_end: "bA==", prev_kv: true, start_revision: "0" },
    });
  });

  test.each([
    ["after an event", event(9, "x"), "10"],
    ["before any event", "", "6"],
  ])("goes on without a gap when the connection breaks %s", async (_when, sent, next) => {
    const stop = new AbortController();
    const gateway = await gatewayOf((_request, response) => {
      if (gateway.requests.length > 1) return stop.abort();
      response.write(created(5) + sent);
      setImmediate(() => response.destroy());
    });
    expect((await runEdged(gateway.url, ["watch", "k"], { interrupt: stop.signal })).code).toBe(0);
    expect(gateway.requests[1]?.body).toEqual({ create_request: { key: "aw==", start_revision: next } });
  });

  test("below the compacted revision fails as etcdctl does", async () => {
    const gateway = await gatewayOf((_request, response) => {
      const canceled = { result: { canceled: true, compact_revision: "7" } };
      response.end(`${created(9)}${JSON.stringify(canceled)}\n`);
    });
    expect(await runEdged(gateway.url, ["watch", "k", "--rev", "3"])).toEqual({
      code: 5,
      out: "",
      err: "watch was canceled (etcdserver: mvcc: required revision has been compacted)\nError: watch is canceled by the server\n(the oldest revision that can be watched is 8)\n",
    });
  });

  test.each([
    ["behind --", ["watch", "k", "--", "sh", "-c", "env | grep ETCD_WATCH | sort; exit 3"]],
    ["by --exec", ["watch", "k", "--exec", "env | grep ETCD_WATCH | sort; exit 3"]],
  ])("a command %s is told of the event, and its failure ends the watch", async (_how, args) => {
    const gateway = await gatewayOf((_request, response) => response.write(created(5) + event(6, 'a"b')));
    const run = await runEdged(gateway.url, args);
    expect(run.code).toBe(1);
    expect(run.out).toBe(
      'PUT\nk\na"b\nETCD_WATCH_EVENT_TYPE="PUT"\nETCD_WATCH_KEY="k"\nETCD_WATCH_REVISION=6\nETCD_WATCH_VALUE="a\\"b"\n',
    );
    expect(run.err).toContain("error (exit status 3)");
  });

  test("where nobody listens fails at once", async () => {
    expect((await runEdged("http://127.0.0.1:1", ["watch", "k"])).code).toBe(2);
  });
});

describe("lock and elect", () => {
  /** Grants, renews and revokes; holds whatever is asked for. */
  function holding(isRenewed: boolean): Promise<ScriptedGateway> {
    return gatewayOf(({ path, body }, response) => {
      const { name, lease } = body as { name?: string; lease?: string };
      const key = base64(`${Buffer.from(name ?? "", "base64")}/${BigInt(lease ?? 0).toString(16)}`);
      const answers: Record<string, unknown> = {
        "/v3/lease/keepalive": { result: isRenewed ? { TTL: "1" } : {} },
        "/v3/lock/lock": { header: { revision: "53" }, key },
        "/v3/election/campaign": { leader: { key } },
        "/v3/kv/range": { kvs: [{ key: base64("held"), value: base64("me") }], count: "1" },
      };
      response.end(JSON.stringify(answers[path] ?? {}));
    });
  }

  test("a command runs with the lock, and the lock goes with it", async () => {
    const gateway = await holding(true);
    const run = await runEdged(gateway.url, [
      "lock",
      "job",
      "--",
      "sh",
      "-c",
      "env | grep ETCD_LOCK | sort; exit 7",
    ]);
    expect(run).toMatchObject({ code: 1, err: "Error: exit status 7\n" });
    const [{ ID: lease }] = gateway.asked("/v3/lease/grant") as [{ ID: string }];
    expect(run.out).toBe(`ETCD_LOCK_KEY=job/${BigInt(lease).toString(16)}\nETCD_LOCK_REV=53\n`);
    expect(gateway.asked("/v3/lock/lock")).toEqual([{ name: base64("job"), lease }]);
    expect(gateway.asked("/v3/lease/revoke")).toEqual([{ ID: lease }]);
  });

  test.each([
    ["lock", ["lock", "job"]],
    ["elect", ["elect", "job", "me"]],
  ])("%s is given back when interrupted", async (_what, args) => {
    const gateway = await holding(true);
    const stop = new AbortController();
    const run = runEdged(gateway.url, args, { interrupt: stop.signal, onOutput: () => stop.abort() });
    expect(await run).toEqual(success("held\nme\n"));
    expect(gateway.asked("/v3/lease/revoke")).toEqual(
      (gateway.asked("/v3/lease/grant") as readonly { ID: string }[]).map(({ ID }) => ({ ID })),
    );
  });

  test("who waits for a lock and is interrupted leaves nothing behind", async () => {
    const stop = new AbortController();
    const gateway = await gatewayOf(({ path }, response) => {
      if (path === "/v3/lock/lock") stop.abort();
      else response.end("{}");
    });
    expect(await runEdged(gateway.url, ["lock", "job"], { interrupt: stop.signal })).toEqual(success(""));
    expect(gateway.asked("/v3/lease/revoke")).toHaveLength(1);
  });

  test("a lease that is lost ends what it protects", async () => {
    const gateway = await holding(false);
    const args = ["lock", "job", "--ttl", "1", "--", "sleep", "60"];
    expect(await runEdged(gateway.url, args)).toMatchObject({ code: 1, err: "Error: session expired\n" });
  });

  test("an observer prints each leader", async () => {
    const stop = new AbortController();
    const gateway = await gatewayOf((_request, response) => {
      response.write(`${JSON.stringify({ result: { kv: { key: base64("e/1"), value: base64("me") } } })}\n`);
    });
    const run = runEdged(gateway.url, ["elect", "-l", "e"], {
      interrupt: stop.signal,
      onOutput: () => stop.abort(),
    });
    expect(await run).toEqual(success("e/1\nme\n"));
  });
});
