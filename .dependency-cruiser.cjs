/**
 * The import direction of the project, left to right:
 *
 *   base -> raft | mvcc -> engine -> storage | transport -> durable -> gateway -> index.ts
 *
 * `wire` knows only base. Each folder lists what it may know; anything else is an error, so that a
 * new folder has to be given its place here first. ARCHITECTURE.md says why.
 */

/** folder -> folders it may import besides itself. */
const layers = {
  base: [],
  wire: ["base"],
  raft: ["base"],
  mvcc: ["base", "wire"],
  engine: ["base", "wire", "raft", "mvcc"],
  storage: ["base", "wire", "raft", "mvcc", "engine"],
  transport: ["base", "wire", "raft", "mvcc", "engine"],
  durable: ["base", "wire", "raft", "mvcc", "engine", "storage", "transport"],
};

/** Packages a folder may import; none where it is not named. */
const packages = {
  wire: ["@bufbuild/protobuf"],
  mvcc: ["@bufbuild/protobuf"],
  engine: ["@bufbuild/protobuf", "tinyqueue"],
  storage: ["@bufbuild/protobuf"],
  transport: ["@bufbuild/protobuf"],
  durable: ["@bufbuild/protobuf"],
  gateway: ["@bufbuild/protobuf", "@connectrpc/connect", "@noble/hashes", "hono"],
};

const escaped = (text) => text.replaceAll(".", "\\.").replaceAll("/", "\\/");

const layerRules = Object.entries(layers).map(([folder, known]) => ({
  name: `layer-${folder}`,
  comment: `src/${folder} may import only itself${known.length > 0 ? ` and ${known.join(", ")}` : ""}.`,
  severity: "error",
  from: { path: `^src/${folder}/` },
  to: { path: "^(src|test|scripts)/", pathNot: `^src/(${[folder, ...known].join("|")})/` },
}));

const packageRules = [...Object.keys(layers), "gateway"].map((folder) => ({
  name: `packages-${folder}`,
  comment: `src/${folder} may use only these packages: ${(packages[folder] ?? ["none"]).join(", ")}.`,
  severity: "error",
  from: { path: `^src/${folder}/` },
  to: {
    path: "node_modules/",
    pathNot: (packages[folder] ?? []).map((name) => `node_modules\\/${escaped(name)}\\/`),
  },
}));

module.exports = {
  forbidden: [
    ...layerRules,
    ...packageRules,
    {
      name: "layer-gateway",
      comment:
        "The gateway knows the wire, base, the replica's interface, how to call it, the checks of a command and the configuration; never the inside of a replica.",
      severity: "error",
      from: { path: "^src/gateway/" },
      to: {
        path: "^(src|test|scripts)/",
        pathNot:
          "^src/(gateway|wire|base)/|^src/engine/replica-api\\.ts$|^src/durable/config[a-z-]*\\.ts$|^src/transport/(platform-errors|deadline|object-name|replica-calls|rpc-result)\\.ts$|^src/mvcc/validate\\.ts$",
      },
    },
    {
      name: "layer-index",
      comment: "The Worker entry only puts the gateway and the replica together.",
      severity: "error",
      from: { path: "^src/index\\.ts$" },
      to: { path: "^(src|test|scripts)/", pathNot: "^src/(gateway|durable|base)/" },
    },
    {
      name: "unknown-folder",
      comment: "A new folder or file directly under src needs its place in the import direction (this file).",
      severity: "error",
      from: {},
      to: {
        path: "^src/",
        pathNot: `^src/(${[...Object.keys(layers), "gateway"].join("|")})/|^src/index\\.ts$`,
      },
    },
    {
      name: "platform-module",
      comment: "cloudflare:* is imported by src/durable and src/index.ts only (and by test Worker entries).",
      severity: "error",
      from: { pathNot: "^src/durable/|^src/index\\.ts$|^test/worker/entry/" },
      to: { path: "^cloudflare:" },
    },
    {
      name: "node-module",
      comment:
        "The product runs on Workers: node:* only in the node:sqlite adapter that tests and the simulator use.",
      severity: "error",
      from: { path: "^src/", pathNot: "^src/storage/node-sql\\.ts$" },
      to: { dependencyTypes: ["core"] },
    },
    {
      name: "node-sql-in-product",
      comment: "The node:sqlite adapter is for tests and the simulator; no file of the product imports it.",
      severity: "error",
      from: { path: "^src/" },
      to: { path: "^src/storage/node-sql\\.ts$" },
    },
    {
      name: "no-cycle",
      comment: "Files that need each other are one file, or miss a third one.",
      severity: "error",
      from: {},
      to: { circular: true },
    },
    {
      name: "unresolved",
      comment: "The import leads nowhere.",
      severity: "error",
      from: {},
      to: { couldNotResolve: true, pathNot: "^cloudflare:" },
    },
    {
      name: "dev-dependency",
      comment: "The product imports no package that is only a devDependency.",
      severity: "error",
      from: { path: "^src/" },
      to: { dependencyTypes: ["npm-dev"] },
    },
  ],
  options: {
    doNotFollow: { path: "node_modules" },
    // TypeScript 7 has no parser that JavaScript can call; swc sees type imports as well. Its walker
    // does not know `using`, which some tests use, so only src is looked at.
    parser: "swc",
    tsPreCompilationDeps: true,
    enhancedResolveOptions: { exportsFields: ["exports"], conditionNames: ["import", "types", "default"] },
  },
};
