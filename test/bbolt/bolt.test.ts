/** The bbolt format: what is written is read back, and etcd's own tools take it. */
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { BoltError, BoltReader } from "../../scripts/bbolt/bolt-reader.ts";
import { BoltWriter, type Pair } from "../../scripts/bbolt/bolt-writer.ts";
import { statusOfFile } from "../../scripts/bbolt/status.ts";
import { MemoryFile } from "./memory-file.ts";

const run = promisify(execFile);

async function written(buckets: Readonly<Record<string, readonly Pair[]>>): Promise<MemoryFile> {
  const file = new MemoryFile();
  const writer = new BoltWriter(file);
  for (const [name, pairs] of Object.entries(buckets)) await writer.bucket(Buffer.from(name), pairs);
  expect(await writer.finish()).toBe(file.sizeBytes);
  return file;
}

async function readBack(file: MemoryFile): Promise<Record<string, [string, string][]>> {
  const reader = await BoltReader.open(file);
  const found: Record<string, [string, string][]> = {};
  for (const name of await reader.names()) {
    const pairs: [string, string][] = [];
    for await (const [key, value] of reader.pairs(name)) pairs.push([hex(key), hex(value)]);
    found[name] = pairs;
  }
  return found;
}

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");

/** Pairs in key order, some with values far above a page. */
const pairsArbitrary = fc
  .uniqueArray(fc.uint8Array({ minLength: 1, maxLength: 40 }), { selector: hex, maxLength: 300 })
  .chain((keys) =>
    fc
      .array(fc.oneof(fc.nat(60), fc.constantFrom(4_000, 4_096, 5_000, 20_000)), {
        minLength: keys.length,
        maxLength: keys.length,
      })
      .map((sizes) =>
        keys.sort(Buffer.compare).map((key, i): Pair => [key, Buffer.alloc(sizes[i] ?? 0, key[0])]),
      ),
  );

describe("a bbolt database", () => {
  test("reads back as it was written", async () => {
    await fc.assert(
      fc.asyncProperty(pairsArbitrary, pairsArbitrary, async (a, b) => {
        const file = await written({ key: a, zebra: b, empty: [] });
        expect(await readBack(file)).toEqual({
          empty: [],
          key: a.map(([key, value]) => [hex(key), hex(value)]),
          zebra: b.map(([key, value]) => [hex(key), hex(value)]),
        });
      }),
      { numRuns: 40 },
    );
  });

  test("has as many levels as it needs", async () => {
    const pairs = Array.from(
      { length: 60_000 },
      (_, i): Pair => [Buffer.from(String(i).padStart(30, "0")), Buffer.alloc(40)],
    );
    const file = await written({ key: pairs });
    let count = 0;
    const reader = await BoltReader.open(file);
    for await (const [key] of reader.pairs("key")) {
      if (hex(key) !== hex(pairs[count]?.[0] ?? Buffer.alloc(0))) throw new Error(`pair ${count} differs`);
      count += 1;
    }
    expect(count).toBe(pairs.length);
  });

  test("a damaged one is refused with words", async () => {
    await expect(BoltReader.open(new MemoryFile())).rejects.toThrow(BoltError);
    const file = await written({ key: [[Buffer.from("a"), Buffer.from("b")]] });
    // Both meta pages.
    await file.write(Buffer.alloc(8, 1), 32);
    await file.write(Buffer.alloc(8, 1), 4096 + 32);
    await expect(BoltReader.open(file)).rejects.toThrow("not a bbolt database");
  });
});

const hasEtcdctl = await run("etcdctl", ["version"], { env: { ...process.env, ETCDCTL_API: "3" } }).then(
  () => true,
  () => false,
);
if (!hasEtcdctl)
  console.log("skipped: etcdctl is not installed, so etcd's own look at the format is not taken");

describe.skipIf(!hasEtcdctl)("etcdctl", () => {
  test("finds the database sound", async () => {
    const revision = (main: number): Buffer => {
      const bytes = Buffer.alloc(17, 0);
      bytes.writeBigUInt64BE(BigInt(main));
      bytes[8] = 0x5f;
      return bytes;
    };
    const keys = Array.from(
      { length: 5_000 },
      (_, i): Pair => [revision(i + 2), Buffer.alloc(i % 97 === 0 ? 9_000 : 60)],
    );
    const file = await written({ key: keys, lease: [], meta: [] });
    const folder = await mkdtemp(join(tmpdir(), "edged-bolt-"));
    try {
      const path = join(folder, "snapshot.db");
      await writeFile(path, Buffer.concat([file.bytes, createHash("sha256").update(file.bytes).digest()]));
      const { stdout } = await run("etcdctl", ["snapshot", "status", path, "-w", "json"], {
        env: { ...process.env, ETCDCTL_API: "3" },
      });
      expect(JSON.parse(stdout)).toMatchObject({ revision: 5_001, totalKey: 5_000 });
      expect(await statusOfFile(path)).toEqual(JSON.parse(stdout));
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
