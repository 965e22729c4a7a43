/** From etcd to edged's backup and back: what comes out is what went in, as etcd itself sees it. */
import { mkdtemp, open, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { BackupError, readFrames, writeFrames } from "../../scripts/bbolt/backup-file.ts";
import { BoltReader } from "../../scripts/bbolt/bolt-reader.ts";
import { fileSource } from "../../scripts/bbolt/file-pages.ts";
import { framesOfEtcd } from "../../scripts/bbolt/from-etcd.ts";
import { streamEtcdSnapshot } from "../../scripts/bbolt/snapshot-stream.ts";
import { etcdctl, hasEtcd, RealEtcd } from "./real-etcd.ts";

if (!hasEtcd)
  console.log("skipped: etcd and etcdctl are not installed, so no snapshot is exchanged with them");

async function* inPieces(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array, void> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function gathered(pieces: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const all: Uint8Array[] = [];
  for await (const piece of pieces) all.push(piece);
  return Buffer.concat(all);
}

/** Writes of every kind, some of them compacted. */
async function fill(etcd: RealEtcd): Promise<void> {
  const key = (name: string) => Buffer.from(name).toString("base64");
  const { ID } = await etcd.post("/lease/grant", { TTL: 3600, ID: "7587848943239472601" });
  for (let i = 0; i < 60; i += 1) {
    await etcd.post("/kv/put", {
      key: key(`k${i % 20}`),
      value: key("x".repeat(i * 90)),
      lease: i % 7 === 0 ? ID : "0",
    });
  }
  await etcd.post("/kv/deleterange", { key: key("k1"), range_end: key("k13") });
  const put = (name: string) => ({ request_put: { key: key(name), value: key("in a txn") } });
  await etcd.post("/kv/txn", { success: [put("k2"), put("k3"), put("t")] });
  await etcd.post("/kv/compaction", { revision: "40", physical: true });
  await etcd.post("/auth/user/add", { name: "ann", password: "secret" });
  await etcd.post("/auth/role/add", { name: "reader" });
  await etcd.post("/auth/role/grant", { name: "reader", perm: { key: key("k"), range_end: key("l") } });
  await etcd.post("/auth/user/grant", { user: "ann", role: "reader" });
}

async function seen(etcd: RealEtcd): Promise<unknown> {
  const { header: _h, ...keys } = JSON.parse(await etcd.ctl("get", "", "--prefix", "-w", "json"));
  const { header: _g, ...past } = JSON.parse(
    await etcd.ctl("get", "", "--prefix", "--rev", "45", "-w", "json"),
  );
  const { hash } = JSON.parse(await etcd.ctl("endpoint", "hashkv", "-w", "json"))[0].HashKV;
  const lease = JSON.parse(await etcd.ctl("lease", "timetolive", "694d7469671ca5d9", "--keys", "-w", "json"));
  return {
    keys,
    past,
    hash,
    // Keys of a lease come in no order.
    leaseKeys: lease.keys.sort(),
    role: await etcd.ctl("role", "get", "reader"),
    user: await etcd.ctl("user", "get", "ann"),
  };
}

test.skipIf(!hasEtcd)(
  "a snapshot of etcd survives the way through a backup",
  { timeout: 60_000 },
  async () => {
    const folder = await mkdtemp(join(tmpdir(), "edged-etcd-"));
    const at = (name: string) => join(folder, name);
    try {
      let before: unknown;
      {
        await using etcd = await RealEtcd.start(at("first"));
        await fill(etcd);
        before = await seen(etcd);
        await etcd.ctl("snapshot", "save", at("snapshot.db"));
      }
      const snapshot = await open(at("snapshot.db"));
      const backup = await gathered(
        writeFrames(framesOfEtcd(await BoltReader.open(await fileSource(snapshot)))),
      );
      await snapshot.close();
      const blobs: Uint8Array[] = [];
      for await (const { blob } of streamEtcdSnapshot(inPieces(backup, 1_000))) blobs.push(blob);
      await writeFile(at("ours.db"), Buffer.concat(blobs));
      await etcdctl("snapshot", "restore", at("ours.db"), "--data-dir", at("second"));
      await using etcd = await RealEtcd.start(at("second"));
      expect(await seen(etcd)).toEqual(before);
    } finally {
      await rm(folder, { recursive: true });
    }
  },
);

test("a damaged backup is refused with words", async () => {
  const backup = await gathered(writeFrames((async function* () {})()));
  const drain = async (bytes: Uint8Array) => {
    for await (const _ of readFrames(inPieces(bytes, 7))) expect.fail("there are no frames");
  };
  await drain(backup);
  await expect(drain(backup.subarray(0, 20))).rejects.toThrow(BackupError);
  await expect(drain(Buffer.from("something else entirely"))).rejects.toThrow("no backup of edged");
  const changed = Buffer.from(backup);
  changed[backup.length - 1] = (changed[backup.length - 1] ?? 0) ^ 1;
  await expect(drain(changed)).rejects.toThrow("checksum");
});
