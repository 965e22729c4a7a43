/** Lets a run have other limits than production: modules read `LIMITS` when they need a bound. */
import { LIMITS } from "../../src/base/limits.ts";
import { DEFAULT_RAFT_OPTIONS } from "../../src/raft/options.ts";

const TARGETS: readonly object[] = [LIMITS, DEFAULT_RAFT_OPTIONS];

/** Sets the given limits; returns what sets them back. */
export function overrideLimits(limits: Readonly<Record<string, number>>): () => void {
  const undo: (() => void)[] = [];
  for (const [name, value] of Object.entries(limits)) {
    for (const target of TARGETS) {
      if (!Reflect.has(target, name)) continue;
      const before: unknown = Reflect.get(target, name);
      Reflect.set(target, name, value);
      undo.push(() => Reflect.set(target, name, before));
    }
  }
  return () => {
    for (const step of undo) step();
  };
}
