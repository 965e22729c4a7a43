/** `npm run bench:idle`: what a cluster does while nobody asks for anything. See scripts/idle/main.ts. */
import { runPinned } from "./lib/pinned.mjs";

await runPinned("scripts/idle/main.ts");
