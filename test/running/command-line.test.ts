/** The command line as users run it, against the product's Worker. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { expect, test } from "vitest";
import { runEdged, spawnEdged, success } from "../cli/support/edged.ts";
import { eventually } from "../worker/support/eventually.ts";
import { untilLed } from "../worker/support/group.ts";
import { WorkerCluster } from "../worker/support/worker-cluster.ts";

test("every service answers", async () => {
  await using cluster = await WorkerCluster.start({ replicas: 3 });
  await untilLed(cluster.client, cluster.members);
  const edged = (line: string, input = ""): ReturnType<typeof runEdged> =>
    runEdged(cluster.client.url, line.split(" "), { input });

  expect(await spawnEdged(cluster.client.url, ["put", "a"], "1")).toEqual(success("OK\n"));
  expect(await edged("get a")).toEqual(success("a\n1\n"));
  expect(await edged("txn", 'value("a") = "1"\n\nput a 2 --prev-kv\nget a\n\n')).toEqual(
    success("SUCCESS\n\nOK\na\n1\n\na\n2\n"),
  );
  const granted = await edged("lease grant 60");
  const lease = /^lease ([0-9a-f]{16}) granted with TTL\(60s\)\n$/.exec(granted.out)?.[1] ?? "";
  expect(await edged(`put b 1 --lease ${lease}`)).toEqual(success("OK\n"));
  expect((await edged(`lease timetolive ${lease} --keys`)).out).toContain("attached keys([b])");
  expect((await edged(`lease keep-alive --once ${lease}`)).out).toContain("keepalived with TTL(60)");
  expect(await edged(`lease revoke ${lease}`)).toEqual(success(`lease ${lease} revoked\n`));
  expect(await edged("get b")).toEqual(success(""));

  expect((await edged("member list")).out).toMatch(/^([0-9a-f]+, started, r\d, edged:.*, false\n){3}$/);
  expect((await edged("endpoint status --cluster")).out.split("\n")).toHaveLength(4);
  expect((await edged("endpoint health --cluster")).out).toMatch(/^(\S+#r\d is healthy: .*\n){3}$/);
  const hashes = (await edged("endpoint hashkv --cluster")).out.matchAll(/#r\d, (\d+)\n/g);
  expect([...hashes].map(([, hash]) => hash)).toHaveLength(3);
  expect((await edged("compaction 2")).out).toBe("compacted revision 2\n");
  expect(await edged("alarm list")).toEqual(success(""));
  expect((await edged("defrag")).code).toBe(0);

  expect(await edged("lock job -- echo held")).toEqual(success("held\n"));
  expect(await edged("lease list")).toEqual(success("found 0 leases\n"));

  expect((await edged("user add root:secret")).out).toBe("User root created\n");
  expect((await edged("role add reader")).out).toBe("Role reader created\n");
  expect((await edged("role grant-permission reader read a --prefix")).out).toBe("Role reader updated\n");
  expect(await edged("auth enable")).toEqual(success("Authentication Enabled\n"));
  expect((await edged("auth status --user root:secret")).out).toMatch(/^Authentication Status: true\n/);
  const refused = await edged("get a");
  expect(refused).toMatchObject({ code: 1, out: "" });
  expect(refused.err).toContain("--user");
  expect(await edged("get a --user root:secret")).toEqual(success("a\n2\n"));
  expect((await edged("auth disable --user root:secret")).out).toBe("Authentication Disabled\n");
});

test("a watch runs until ctrl-C, a lock is passed on by it", async () => {
  await using cluster = await WorkerCluster.start({ replicas: 3 });
  const { url } = cluster.client;
  await untilLed(cluster.client, cluster.members);
  const start = (...args: string[]): { out: () => string; stop: () => Promise<unknown> } => {
    const child = spawn(process.execPath, ["scripts/edged.mjs", ...args], {
      env: { ...process.env, EDGED_ENDPOINT: url },
      stdio: ["ignore", "pipe", "inherit"],
    });
    const closed = once(child, "close");
    let out = "";
    child.stdout.on("data", (chunk: Buffer) => {
      out += chunk.toString();
    });
    return {
      out: () => out,
      stop: async () => {
        child.kill("SIGINT");
        return (await closed)[0];
      },
    };
  };

  const watch = start("watch", "k", "--rev", "2");
  expect((await runEdged(url, ["put", "k", "v"])).code).toBe(0);
  await eventually("the event is printed", async () => (watch.out() === "PUT\nk\nv\n" ? true : null));
  expect(await watch.stop()).toBe(0);

  const first = start("lock", "job");
  await eventually("the lock is held", async () => (first.out().startsWith("job/") ? true : null));
  const second = start("lock", "job");
  expect(await first.stop()).toBe(0);
  await eventually("the lock is passed on", async () => (second.out().startsWith("job/") ? true : null));
  expect(await second.stop()).toBe(0);
  expect((await runEdged(url, ["get", "job/", "--prefix"])).out).toBe("");
});
