/**
 * The store as the naive would write it: one operation after the other, nothing concurrent. It is the
 * truth that generated histories come from and that the brute-force checker replays.
 */
import { assertNever } from "../../src/base/assert.ts";
import type { Action, Outcome } from "./operation.ts";

interface Stored {
  readonly value: string;
  readonly modRevision: number;
}

export class SequentialStore {
  revision: number;
  readonly #keys: Map<string, Stored>;

  /** An empty store at `revision`. */
  constructor(revision: number, keys: ReadonlyMap<string, Stored> = new Map()) {
    this.revision = revision;
    this.#keys = new Map(keys);
  }

  clone(): SequentialStore {
    return new SequentialStore(this.revision, this.#keys);
  }

  get(key: string): Stored | null {
    return this.#keys.get(key) ?? null;
  }

  keys(): readonly string[] {
    return [...this.#keys.keys()].sort();
  }

  apply(key: string, action: Action): Outcome {
    const stored = this.get(key);
    const modRevision = stored?.modRevision ?? 0;
    switch (action.kind) {
      case "get":
        if (stored === null) return { kind: "missing", revision: this.revision };
        return { kind: "found", value: stored.value, modRevision, revision: this.revision };
      case "put":
        return this.#put(key, action.value);
      case "cas":
        if (modRevision !== action.expected) return { kind: "refused", modRevision, revision: this.revision };
        return this.#put(key, action.value);
      case "delete":
        if (action.expected !== null && modRevision !== action.expected) {
          return { kind: "refused", modRevision, revision: this.revision };
        }
        if (stored === null) return { kind: "nothing-deleted", revision: this.revision };
        this.revision += 1;
        this.#keys.delete(key);
        return { kind: "deleted", revision: this.revision };
      default:
        return assertNever(action, "store action");
    }
  }

  #put(key: string, value: string): Outcome {
    this.revision += 1;
    this.#keys.set(key, { value, modRevision: this.revision });
    return { kind: "written", revision: this.revision };
  }
}
