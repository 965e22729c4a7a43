/** `npm run wide-area`: latency, failover and cost over distances, in virtual time. See scripts/wide-area/main.ts. */
import { runPinned } from "./lib/pinned.mjs";

await runPinned("scripts/wide-area/main.ts");
