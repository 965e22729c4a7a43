/** `npm run cluster`: one cluster, each replica in a process of its own. See scripts/cluster/main.ts. */
import { runPinned } from "./lib/pinned.mjs";

await runPinned("scripts/cluster/main.ts");
