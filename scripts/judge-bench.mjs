/** `npm run bench:linearizability`: how fast histories are judged. See scripts/judge-bench/main.ts. */
import { runPinned } from "./lib/pinned.mjs";

await runPinned("scripts/judge-bench/main.ts");
