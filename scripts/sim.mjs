/** `npm run sim`: the whole cluster under a seeded simulator. See scripts/sim/main.ts. */
import { runPinned } from "./lib/pinned.mjs";

await runPinned("scripts/sim/main.ts");
