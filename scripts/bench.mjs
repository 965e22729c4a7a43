/** `npm run bench`: edged beside what a user would write instead. See scripts/bench/main.ts. */
import { runPinned } from "./lib/pinned.mjs";

await runPinned("scripts/bench/main.ts");
