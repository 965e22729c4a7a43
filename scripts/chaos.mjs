/** `npm run chaos`: kills, pauses and cuts off replicas under load, and judges. See scripts/chaos/main.ts. */
import { runPinned } from "./lib/pinned.mjs";

await runPinned("scripts/chaos/main.ts");
