/** `npm run bench:rows`: the rows that a put writes, which are most of its price. See scripts/bench/rows.ts. */
import { runPinned } from "./lib/pinned.mjs";

await runPinned("scripts/bench/rows.ts");
