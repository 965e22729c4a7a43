/**
 * How fast the judges are: `npm run bench:linearizability -- [operations]`. The history comes from a
 * correct store with 32 concurrent clients on 64 keys; one JSON line per measurement.
 */
import { Prng } from "../../src/base/prng.ts";
import { checkByKey } from "../../test/linearizability/check-by-key.ts";
import type { Action, Operation } from "../../test/linearizability/operation.ts";
import { checkRevisionOrder } from "../../test/linearizability/revision-order.ts";
import { SequentialStore } from "../../test/linearizability/sequential-store.ts";

const BASE_REVISION = 1;
const CLIENTS = 32;
const KEYS = 64;

function makeHistory(count: number, unknownShare: number): Operation[] {
  const random = new Prng(42);
  const store = new SequentialStore(BASE_REVISION);
  const freeAt = new Array<number>(CLIENTS).fill(0);
  const history: Operation[] = [];
  for (let id = 0; id < count; id += 1) {
    const client = id % CLIENTS;
    const at = id;
    const key = `key-${random.below(KEYS)}`;
    const current = store.get(key)?.modRevision ?? 0;
    const dice = random.fraction();
    let action: Action = { kind: "get", consistency: "linearizable" };
    if (dice < 0.35) action = { kind: "put", value: `v${id}` };
    else if (dice < 0.5) action = { kind: "cas", value: `v${id}`, expected: current };
    else if (dice < 0.55) action = { kind: "delete", expected: null };
    const call = Math.max(freeAt[client] ?? 0, at - 15 * random.fraction());
    const end = at + 15 * random.fraction();
    freeAt[client] = end;
    const isUnknown = random.chance(unknownShare);
    const outcome = store.apply(key, action);
    const base = { id, process: client, key, action, call };
    if (isUnknown) history.push({ ...base, return: null, outcome: { kind: "unknown", reason: "bench" } });
    else history.push({ ...base, return: end, outcome });
  }
  return history.sort((a, b) => a.call - b.call);
}

function measure(name: string, operations: number, body: () => string): void {
  const start = performance.now();
  const verdict = body();
  const seconds = Number(((performance.now() - start) / 1_000).toFixed(3));
  process.stdout.write(`${JSON.stringify({ name, operations, seconds, verdict })}\n`);
}

const count = Number(process.argv[2] ?? 1_000_000);
const large = makeHistory(count, 0);
measure("revision order", count, () => checkRevisionOrder(large, BASE_REVISION).kind);
const largeUnknown = makeHistory(count, 0.01);
measure("revision order, 1 % unknown", count, () => checkRevisionOrder(largeUnknown, BASE_REVISION).kind);
const small = makeHistory(count / 10, 0);
measure("search by key", small.length, () => checkByKey(small).kind);
const smallUnknown = makeHistory(count / 10, 0.01);
measure("search by key, 1 % unknown", smallUnknown.length, () => checkByKey(smallUnknown).kind);
