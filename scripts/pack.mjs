/** Before `npm pack`: bundles the bridge and the converter of snapshots, each with all it needs, into files that any Node from 20 on runs. */
import { join } from "node:path";
import { build } from "esbuild";
import { root } from "./lib/install.mjs";

/** What is TypeScript here, by the name of its file in the package. */
const BUNDLES = { bridge: "bridge/main.ts", bbolt: "bbolt/package.ts" };

for (const [name, source] of Object.entries(BUNDLES)) {
  await build({
    entryPoints: [join(root, "scripts", source)],
    outfile: join(root, "dist", `${name}.mjs`),
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node20",
    // What is CommonJS in it asks for Node's own modules by `require`, as commander does.
    banner: {
      js: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);',
    },
    legalComments: "linked",
    logLevel: "warning",
  });
}
