/** The Python clients that Debian has: keys, watches, leases, locks, by gRPC and by the JSON gateway. */
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

const PROGRAMS = [
  { name: "python etcd3", module: "etcd3", debian: "python3-etcd3", program: ETCD3 },
  { name: "python etcd3gw", module: "etcd3gw", debian: "python3-etcd3gw", program: ETCD3GW },
];

interface Row {
  readonly command: string;
  readonly verdict: "works" | "FAILS";
  readonly detail: string;
}

/** Debian's Python, or whichever there is. */
async function findPython(module: string): Promise<string | null> {
  for (const python of ["/usr/bin/python3", "python3"]) {
    if ((await run(python, ["-c", `import ${module}`])).succeeded) return python;
  }
  return null;
}

export async function runPython(
  store: Store,
  skip: (what: string, how: string) => void,
): Promise<readonly Row[]> {
  const rows: Row[] = [];
  const [host = "", port = ""] = (store.endpoints[0] ?? "").split(":");
  for (const { name, module, debian, program } of PROGRAMS) {
    const python = await findPython(module);
    if (python === null) {
      skip(name, `Debian: apt-get install ${debian}`);
      continue;
    }
    const { succeeded, text } = await run(python, ["-c", program, host, port]);
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
