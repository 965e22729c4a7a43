/** `npm run sim:mutants`: known bugs put back one at a time. See scripts/sim/mutants/main.ts. */
import { runPinned } from "./lib/pinned.mjs";

await runPinned("scripts/sim/mutants/main.ts");
