/** Random requests of the KV service: few keys, so that they meet. */
import type { Prng } from "../../../src/base/prng.ts";
import { bytesForm, type Json, type JsonObject, numberForm } from "./json-forms.ts";

export const KEYS = [
  "a",
  "ab",
  "b",
  "b/1",
  "b/2",
  "c",
  "z",
  "\u0000",
  "\u00ff",
  "\u00ff\u00ff",
  "d\u0080",
] as const;
export const LEASES = [1, 2, 3, 77] as const;
const VALUES = ["", "0", "1", "2", "value", "\u0000\u00ff<&>\u2028", "x".repeat(300)] as const;
const TARGETS = ["VERSION", "CREATE", "MOD", "VALUE", "LEASE"] as const;
const RESULTS = ["EQUAL", "GREATER", "LESS", "NOT_EQUAL"] as const;
const NESTING_MAX = 3;
/** One zero byte: up to the last key. */
const OPEN_END = "AA==";

/** What requests are made of, as far as it is known. */
export interface Knowledge {
  /** About the newest revision. */
  revision: number;
  /** Permissions are compared, without what edged does more strictly. */
  readonly isAuth: boolean;
  /** Transactions within others may be used: alarms and permissions etcd does not see in them. */
  readonly isNesting: boolean;
}

export class KvRequests {
  readonly #random: Prng;
  readonly #knowledge: Knowledge;

  constructor(random: Prng, knowledge: Knowledge) {
    this.#random = random;
    this.#knowledge = knowledge;
  }

  put(isInTxn = false, mayIgnore = true): JsonObject {
    const random = this.#random;
    const mayBindLease = !(this.#knowledge.isAuth && isInTxn);
    return {
      ...(random.chance(0.98) ? { key: this.key() } : {}),
      ...(random.chance(0.9) ? { value: bytesForm(random, random.pick(VALUES)) } : {}),
      ...(mayBindLease && random.chance(0.2)
        ? { lease: numberForm(random, random.pick([...LEASES, 0, -5])) }
        : {}),
      ...(mayBindLease && random.chance(0.3) ? { prev_kv: random.chance(0.9) } : {}),
      ...(mayIgnore && random.chance(0.1) ? { ignore_value: true } : {}),
      ...(mayIgnore && random.chance(0.1) ? { ignore_lease: true } : {}),
    };
  }

  range(): JsonObject {
    const random = this.#random;
    const revision = (): Json => numberForm(random, this.revision());
    return {
      ...this.interval(),
      ...(random.chance(0.2) ? { limit: numberForm(random, random.pick([0, 1, 2, 3, 100, -1])) } : {}),
      ...(random.chance(0.25) ? { revision: revision() } : {}),
      ...(random.chance(0.3)
        ? { sort_order: random.pick<Json>(["NONE", "ASCEND", "DESCEND", 0, 1, 2, 7, "1"]) }
        : {}),
      ...(random.chance(0.3)
        ? { sort_target: random.pick<Json>(["KEY", "VERSION", "CREATE", "MOD", "VALUE", 0, 1, 2, 3, 4]) }
        : {}),
      // A member of three may be behind; the one of the other store never is.
      ...(random.chance(0.1) ? { serializable: false } : {}),
      ...(random.chance(0.15) ? { keys_only: true } : {}),
      ...(random.chance(0.15) ? { count_only: true } : {}),
      ...(random.chance(0.1) ? { min_mod_revision: revision() } : {}),
      ...(random.chance(0.1) ? { max_mod_revision: revision() } : {}),
      ...(random.chance(0.1) ? { min_create_revision: revision() } : {}),
      ...(random.chance(0.1) ? { max_create_revision: revision() } : {}),
    };
  }

  deleteRange(mayBeOpen = true): JsonObject {
    const mayShow = !this.#knowledge.isAuth;
    return { ...this.interval(mayBeOpen), ...(mayShow && this.#random.chance(0.4) ? { prev_kv: true } : {}) };
  }

  txn(depth = 1): JsonObject {
    const random = this.#random;
    // A delete to the end in front of a put that ignores something ends etcd's process.
    const isOpen = random.chance(0.2);
    const operations = (): readonly Json[] =>
      Array.from({ length: random.pick([0, 1, 1, 2, 3]) }, () => this.#operation(depth, isOpen));
    return {
      ...(random.chance(0.7) ? { compare: this.#compares() } : {}),
      ...(random.chance(0.9) ? { success: operations() } : {}),
      ...(random.chance(0.6) ? { failure: operations() } : {}),
    };
  }

  compaction(): JsonObject {
    const random = this.#random;
    return {
      revision: numberForm(random, this.revision()),
      ...(random.chance(0.3) ? { physical: true } : {}),
    };
  }

  key(): string {
    return bytesForm(this.#random, this.#random.pick(KEYS));
  }

  /** Mostly around what there is. */
  revision(): number {
    const random = this.#random;
    const { revision } = this.#knowledge;
    return random.chance(0.1) ? random.pick([0, 1, -1, 1_000_000]) : random.below(revision + 2);
  }

  interval(mayBeOpen = true): JsonObject {
    const { range_end: end, ...begin } = this.#anyInterval();
    if (typeof end !== "string") return begin;
    if (end === OPEN_END) return mayBeOpen ? { ...begin, range_end: end } : begin;
    // Whether etcd permits an interval without keys depends on the order in which permissions came.
    const isUpsideDown = latin1(end) <= latin1(begin["key"] ?? "");
    return isUpsideDown && this.#knowledge.isAuth ? begin : { ...begin, range_end: end };
  }

  #anyInterval(): JsonObject {
    const random = this.#random;
    const key = random.pick([...KEYS, "", "\u0000"]);
    const form = bytesForm(random, key);
    const begin = random.chance(0.97) ? { key: form } : {};
    switch (random.below(5)) {
      case 0:
      case 1:
        return begin;
      case 2:
        return { ...begin, range_end: OPEN_END };
      case 3:
        return { ...begin, range_end: bytesForm(random, prefixEnd(key)) };
      default:
        return { ...begin, range_end: this.key() };
    }
  }

  #compares(): readonly Json[] {
    return Array.from({ length: this.#random.pick([0, 1, 1, 2]) }, () => this.#compare());
  }

  #compare(): JsonObject {
    const random = this.#random;
    const target = random.below(TARGETS.length);
    // Now and then a value for another target than the one that is named.
    const given = random.chance(0.9) ? target : random.below(TARGETS.length);
    const number = numberForm(random, this.revision());
    const values: readonly JsonObject[] = [
      { version: numberForm(random, random.below(4)) },
      { create_revision: number },
      { mod_revision: number },
      { value: bytesForm(random, random.pick(VALUES)) },
      { lease: numberForm(random, random.pick(LEASES)) },
    ];
    return {
      ...(random.chance(0.8) ? { key: this.key() } : this.interval()),
      ...(random.chance(0.9) ? { target: random.chance(0.8) ? (TARGETS[target] ?? 0) : target } : {}),
      ...(random.chance(0.9) ? { result: random.pick<Json>([...RESULTS, 0, 1, 2, 3, 9]) } : {}),
      ...(random.chance(0.9) ? values[given] : {}),
    };
  }

  #operation(depth: number, isOpen: boolean): JsonObject {
    switch (this.#random.below(depth < NESTING_MAX && this.#knowledge.isNesting ? 7 : 6)) {
      case 0:
      case 1:
        return { request_range: this.range() };
      case 2:
      case 3:
      case 4:
        return { request_put: this.put(true, !isOpen) };
      case 5:
        return { request_delete_range: this.deleteRange(isOpen) };
      default:
        return { request_txn: isOpen ? {} : this.txn(depth + 1) };
    }
  }
}

function latin1(base64: Json): string {
  return Buffer.from(String(base64), "base64").toString("latin1");
}

function prefixEnd(key: string): string {
  for (let at = key.length - 1; at >= 0; at -= 1) {
    const byte = key.charCodeAt(at);
    if (byte < 0xff) return key.slice(0, at) + String.fromCharCode(byte + 1);
  }
  return "\u0000";
}
