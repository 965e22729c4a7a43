/** `npm run compat`: real clients of etcd against edged and a real etcd. See scripts/compat/main.ts. */
import { runPinned } from "./lib/pinned.mjs";

await runPinned("scripts/compat/main.ts");
