/** `npm run bench:large`: large answers and many keys, measured. See scripts/bench/large.ts. */
import { runPinned } from "./lib/pinned.mjs";

await runPinned("scripts/bench/large.ts");
