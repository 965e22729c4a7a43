/** The mechanics of `npm run cluster`, with a replica that only counts. */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { startCluster } from "../harness/process-cluster.ts";
import { isRunning, until, untilEnded } from "../harness/processes.ts";

const ENTRY = "test/worker/entry/counter-worker.ts";

interface Counted {
  readonly value: number;
  readonly id: string;
  readonly cluster: string;
}

async function call(url: string, path: string): Promise<Counted> {
  const response = await fetch(`${url}${path}`, { signal: AbortSignal.timeout(5_000) });
  if (!response.ok) throw new Error(`${response.status} ${await response.text()}`);
  return (await response.json()) as Counted;
}

test("every process reaches the same object behind a binding, and the data outlives all of them", async () => {
  await using cluster = await startCluster({ replicas: 3, entry: ENTRY, vars: { INITIAL: "1" } });
  expect(cluster.names).toEqual(["r1", "r2", "r3"]);
  const ids = new Set<string>();
  for (const binding of ["R1", "R2", "R3"]) {
    for (const [position, name] of cluster.names.entries()) {
      const path = `/${binding}/count/x`;
      const counted = await until(`${name} reaches ${binding}`, () => call(cluster.member(name).url, path));
      expect(counted.value).toBe(position + 1);
      expect(counted.cluster).toBe("r1=enam@R1,r2=weur@R2,r3=apac-ne@R3");
      ids.add(counted.id);
    }
  }
  expect(ids.size).toBe(3);
  const ports = cluster.names.map((name) => cluster.member(name).url);
  await cluster.stop();
  await cluster.launch([], 3);
  expect(cluster.names.map((name) => cluster.member(name).url)).toEqual(ports);
  const after = await until("r1 reaches R3", () => call(cluster.member("r1").url, "/R3/read/x"));
  expect(after.value).toBe(3);
});

test("a killed member is missed at once, comes back with its data, and catches up on its alarm", async () => {
  await using cluster = await startCluster({ replicas: 2, entry: ENTRY });
  const { url } = cluster.member("r1");
  await until("r1 reaches R2", () => call(url, "/R2/count/x"));
  await call(url, `/R2/wakeAt/${Date.now() + 1_000}`);
  await cluster.kill("r2");
  await expect(call(url, "/R2/count/x")).rejects.toThrow("503");
  expect((await call(url, "/R1/count/x")).value).toBe(1);
  await cluster.restart("r2");
  expect((await until("r1 finds R2 again", () => call(url, "/R2/count/x"))).value).toBe(2);
  await until("the alarm rings", async () => ((await call(url, "/R2/read/alarms")).value > 0 ? true : null));
});

test("a member's two processes end together, whichever is killed", async () => {
  await using cluster = await startCluster({ replicas: 2, entry: ENTRY });
  await cluster.kill("r1", "node");
  await cluster.kill("r2", "workerd");
  await cluster.restart("r1");
  await cluster.restart("r2");
  expect((await until("r2 reaches R1", () => call(cluster.member("r2").url, "/R1/count/x"))).value).toBe(1);
});

test("a paused member answers nobody and goes on where it was", async () => {
  await using cluster = await startCluster({ replicas: 2, entry: ENTRY });
  const { url } = cluster.member("r1");
  await until("r1 reaches R2", () => call(url, "/R2/count/x"));
  cluster.pause("r2");
  const waiting = call(url, "/R2/count/x");
  expect((await call(url, "/R1/count/x")).value).toBe(1);
  cluster.resume("r2");
  expect((await waiting).value).toBe(2);
});

test("the members end with the script, however it ends", async () => {
  await using cluster = await startCluster({ replicas: 1, entry: ENTRY });
  const { pid, workerd } = cluster.member("r1");
  cluster.killScripts();
  await untilEnded(pid);
  await untilEnded(workerd);
});

test("what cannot be done is refused in words, and leaves what runs alone", async () => {
  await using cluster = await startCluster({ replicas: 1, entry: ENTRY });
  await expect(cluster.launch(["--only", "r1"], 1)).rejects.toThrow("r1 runs already");
  await expect(cluster.launch(["--only", "r9"], 1)).rejects.toThrow("there is no member r9; there are r1");
  await expect(cluster.launch(["--replicas", "3"], 1)).rejects.toThrow("holds a cluster of 1");
  await expect(cluster.launch(["--replicas", "10"], 1)).rejects.toThrow("from 1 to 9");
  await expect(cluster.launch(["--bogus"], 1)).rejects.toThrow("Usage:");
  await expect(cluster.launch(["--var", "novalue"], 1)).rejects.toThrow("KEY=VALUE");
  const before = cluster.member("r1");
  expect(isRunning(before.workerd)).toBe(true);
  await cluster.launch(["--restart", "r1"], 1);
  expect(isRunning(before.workerd)).toBe(false);
  expect(cluster.member("r1").url).toBe(before.url);
  expect(readdirSync(join(cluster.dir, "logs"))).toEqual(["r1.log"]);
});
