/** What the package has of this folder, bundled (scripts/pack.mjs). */
export { convertFile, problemOf } from "./convert.ts";
export { statusOfFile } from "./status.ts";
