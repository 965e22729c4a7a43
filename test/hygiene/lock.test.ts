/** The lock file has to install everywhere, with npm 10 and npm 11. */
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { expect, test } from "vitest";

const root = resolve(import.meta.dirname, "..", "..");

interface Locked {
  readonly version?: string;
  readonly resolved?: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

const lock: { readonly packages: Readonly<Record<string, Locked>> } = JSON.parse(
  readFileSync(join(root, "package-lock.json"), "utf8"),
);

/** Where Node would find `name` from the package at `path`: in its own folder or in one above. */
function isLocked(path: string, name: string): boolean {
  for (let folder = path; ; folder = folder.slice(0, Math.max(folder.lastIndexOf("/node_modules/"), 0))) {
    const prefix = folder === "" ? "" : `${folder}/`;
    if (lock.packages[`${prefix}node_modules/${name}`] !== undefined) return true;
    if (folder === "") return false;
  }
}

test("every platform's binaries are locked, or npm 11 refuses to install", () => {
  const missing = Object.entries(lock.packages).flatMap(([path, { optionalDependencies = {} }]) =>
    Object.keys(optionalDependencies).filter((name) => !isLocked(path, name)),
  );
  expect(missing).toEqual([]);
});

test("direct dependencies are pinned to one version", () => {
  const { dependencies = {}, devDependencies = {} } = lock.packages[""] ?? {};
  const ranges = Object.entries({ ...dependencies, ...devDependencies }).filter(
    ([, range]) => !/^\d+\.\d+\.\d+$/.test(range),
  );
  expect(ranges).toEqual([]);
});

test("the lock names no registry of its own", () => {
  const named = Object.values(lock.packages).flatMap(({ resolved }) => resolved ?? []);
  expect(named.filter((url) => !url.startsWith("https://registry.npmjs.org/"))).toEqual([]);
});

test("there is one runtime: wrangler and miniflare share a workerd", () => {
  const runtimes = Object.keys(lock.packages).filter((path) => path.endsWith("node_modules/workerd"));
  expect(runtimes).toEqual(["node_modules/workerd"]);
});
