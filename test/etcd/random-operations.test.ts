/**
 * Random sequences of requests to the whole product and to a real etcd, compared step by step. A few
 * of them; `node scripts/compat/random/main.ts` runs as many as are wanted.
 */
import { spawnSync } from "node:child_process";
import { describe, expect, it } from "vitest";
import { startEtcdProcess } from "../../scripts/compat/random/etcd-process.ts";
import { Exchange } from "../../scripts/compat/random/exchange.ts";
import { PROFILES, Sequence } from "../../scripts/compat/random/sequence.ts";
import { WorkerCluster } from "../worker/support/worker-cluster.ts";

const hasEtcd = spawnSync("etcd", ["--version"]).status === 0;
if (!hasEtcd)
  console.log("skipped: no etcd is installed to compare with (Debian: apt-get install etcd-server)");

/** Patient timers: these tests are about answers, on machines that may be busy. */
const VARS = { ALLOW_CLUSTER_CREATE: "true", HEARTBEAT_MS: "200", ELECTION_MS: "1000" };
const STEPS = 100;
/** Each of its profiles with this one and the next. */
const SEED = 20_261_122;

describe.skipIf(!hasEtcd)("as etcd answers random requests", () => {
  it.each(PROFILES)("of the profile %s", { timeout: 120_000 }, async (profile) => {
    await using cluster = await WorkerCluster.start({ replicas: 3, vars: VARS });
    for (const seed of [SEED, SEED + 1]) {
      const etcd = await startEtcdProcess();
      const reference = new Exchange(etcd.url);
      const tested = new Exchange(`${cluster.client.url}/clusters/random-${seed}`);
      try {
        const { steps, differences } = await new Sequence({
          seed,
          steps: STEPS,
          profile,
          reference,
          tested,
        }).run();
        expect(differences, `--seed ${seed} --profile ${profile}`).toEqual([]);
        expect(steps).toBeGreaterThan(1);
      } finally {
        reference.close();
        tested.close();
        await etcd.stop();
      }
    }
  });
});
