/** Before `npm pack`: bundles the bridge with all it needs into one file that any Node from 20 on runs. */
import { join } from "node:path";
import { build } from "esbuild";
import { root } from "./lib/install.mjs";

await build({
  entryPoints: [join(root, "scripts", "bridge", "main.ts")],
  outfile: join(root, "dist", "bridge.mjs"),
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
