/** Client libraries: keys, watches, leases, locks, elections, by gRPC and by the JSON gateway. */
import { spawn } from "node:child_process";
import type { Store } from "./servers.ts";

const SECONDS_MAX = 60;

const ETCD3 = `
import etcd3, sys
e = etcd3.client(host=sys.argv[1], port=int(sys.argv[2]))
e.put("py/a", "1"); assert e.get("py/a")[0] == b"1"
events, cancel = e.watch_prefix("py/")
e.put("py/b", "2"); assert next(events).key == b"py/b"; cancel()
lease = e.lease(10); e.put("py/c", "3", lease); assert lease.remaining_ttl > 0; lease.refresh(); lease.revoke()
assert e.get("py/c")[0] is None
assert e.transaction(compare=[e.transactions.value("py/a") == "1"], success=[e.transactions.put("py/a", "5")], failure=[])[0]
with e.lock("py-lock", ttl=5): pass
assert len(list(e.members)) >= 1 and e.status().version
assert e.delete_prefix("py/").deleted == 2
`;

const ETCD3GW = `
import etcd3gw, sys
e = etcd3gw.Etcd3Client(host=sys.argv[1], port=int(sys.argv[2]), api_path="/v3/")
e.put("gw/a", "1"); assert e.get("gw/a") == [b"1"]
events, cancel = e.watch_prefix("gw/")
import threading, time
threading.Timer(0.5, lambda: e.put("gw/b", "2")).start()
assert next(iter(events))["kv"]["key"] == b"gw/b"; cancel()
lease = e.lease(ttl=10); e.put("gw/c", "3", lease); assert lease.ttl() > 0; lease.refresh(); lease.revoke()
assert e.get("gw/c") == []
lock = e.lock("gw-lock", ttl=5); assert lock.acquire(); assert lock.release()
assert e.status()["version"] and e.members()
e.delete_prefix("gw/")
`;

const NPM_ETCD3 = `
import { Etcd3 } from "etcd3";
const client = new Etcd3({ hosts: process.argv[1] });
await client.put("js/a").value("1");
if ((await client.get("js/a").string()) !== "1") throw new Error("get");
const watcher = await client.watch().prefix("js/").create();
const seen = new Promise((put) => watcher.on("put", (kv) => put(kv.key.toString())));
await client.put("js/b").value("2");
if ((await seen) !== "js/b") throw new Error("watch");
await watcher.cancel();
const lease = client.lease(10);
await lease.put("js/c").value("3");
await lease.keepaliveOnce();
await lease.revoke();
if ((await client.get("js/c")) !== null) throw new Error("lease");
await client.lock("js-lock").ttl(5).do(async () => undefined);
const done = await client.if("js/a", "Value", "==", "1").then(client.put("js/a").value("5")).commit();
if (!done.succeeded) throw new Error("txn");
const election = client.election("js-election");
const campaign = election.campaign("me");
await new Promise((elected, failed) => { campaign.on("elected", elected); campaign.on("error", failed); });
if ((await election.leader()) !== "me") throw new Error("election");
await campaign.resign();
const all = await client.getAll().prefix("js/").strings();
if (Object.keys(all).length !== 2) throw new Error("getAll");
await client.delete().prefix("js/");
await client.maintenance.status(); await client.cluster.memberList({});
client.close();
`;

interface Library {
  readonly name: string;
  /** The command that runs the program given behind it; null where the library is not installed. */
  find(): Promise<readonly [string, ...string[]] | null>;
  readonly program: string;
  /** How to install it. */
  readonly how: string;
}

const LIBRARIES: readonly Library[] = [
  {
    name: "python etcd3",
    find: () => findPython("etcd3"),
    program: ETCD3,
    how: "Debian: apt-get install python3-etcd3",
  },
  {
    name: "python etcd3gw",
    find: () => findPython("etcd3gw"),
    program: ETCD3GW,
    how: "Debian: apt-get install python3-etcd3gw",
  },
  {
    name: "npm etcd3",
    find: findNpmEtcd3,
    program: NPM_ETCD3,
    how: "npm install --no-save etcd3@1.1.2",
  },
];

interface Row {
  readonly command: string;
  readonly verdict: "works" | "FAILS";
  readonly detail: string;
}

/** Debian's Python, or whichever there is. */
async function findPython(module: string): Promise<readonly [string, ...string[]] | null> {
  for (const python of ["/usr/bin/python3", "python3"]) {
    if ((await run(python, ["-c", `import ${module}`])).succeeded) return [python, "-c"];
  }
  return null;
}

async function findNpmEtcd3(): Promise<readonly [string, ...string[]] | null> {
  const node = [process.execPath, "--input-type=module", "-e"] as const;
  const [program, ...args] = node;
  return (await run(program, [...args, 'await import("etcd3")'])).succeeded ? node : null;
}

export async function runLibraries(
  store: Store,
  skip: (what: string, how: string) => void,
): Promise<readonly Row[]> {
  const rows: Row[] = [];
  const address = store.endpoints[0] ?? "";
  const [host = "", port = ""] = address.split(":");
  for (const { name, find, program, how } of LIBRARIES) {
    const command = await find();
    if (command === null) {
      skip(name, how);
      continue;
    }
    const [executable, ...first] = command;
    const where = name.startsWith("npm") ? [address] : [host, port];
    const { succeeded, text } = await run(executable, [...first, program, ...where]);
    const row: Row = { command: name, verdict: succeeded ? "works" : "FAILS", detail: succeeded ? "" : text };
    rows.push(row);
    console.log(
      `${row.verdict.padEnd(10)} ${store.name}: ${name}${row.detail === "" ? "" : `: ${row.detail}`}`,
    );
  }
  return rows;
}

function run(program: string, args: readonly string[]): Promise<{ succeeded: boolean; text: string }> {
  return new Promise((done) => {
    const child = spawn(program, args, { stdio: ["ignore", "pipe", "pipe"], timeout: SECONDS_MAX * 1_000 });
    let text = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.on("data", (chunk: Buffer) => {
        text += chunk.toString();
      });
    }
    child.on("error", (error) => done({ succeeded: false, text: error.message }));
    child.on("close", (code) => done({ succeeded: code === 0, text: text.trim() }));
  });
}
