/** Histories for property tests: real ones, run on the naive store, and spoilt ones. */
import fc from "fast-check";
import type { Action, Operation, Outcome } from "./operation.ts";
import { SequentialStore } from "./sequential-store.ts";

export const BASE_REVISION = 1;

interface Recipe {
  readonly key: string;
  readonly kind: Action["kind"];
  /** Where `expected` of a comparison comes from. */
  readonly guess: "current" | "absent" | "old";
  /** How long before and after the moment it takes effect the operation is called and returns. */
  readonly before: number;
  readonly after: number;
  readonly fate: "answered" | "unknown, applied" | "unknown, lost";
}

function recipe(unknown: boolean): fc.Arbitrary<Recipe> {
  const fates: fc.Arbitrary<Recipe["fate"]> = unknown
    ? fc.constantFrom("answered", "answered", "answered", "unknown, applied", "unknown, lost")
    : fc.constant("answered");
  return fc.record({
    key: fc.constantFrom("a", "a", "b"),
    kind: fc.constantFrom<Action["kind"]>("get", "get", "put", "put", "cas", "delete"),
    guess: fc.constantFrom<Recipe["guess"]>("current", "current", "absent", "old"),
    before: fc.integer({ min: 0, max: 35 }),
    after: fc.integer({ min: 0, max: 35 }),
    fate: fates,
  });
}

/** Histories of a correct store: an order exists by construction. */
export function goodHistory(maxLength: number, unknown: boolean): fc.Arbitrary<Operation[]> {
  return fc.array(recipe(unknown), { minLength: 1, maxLength }).map(perform);
}

function perform(recipes: readonly Recipe[]): Operation[] {
  const store = new SequentialStore(BASE_REVISION);
  return recipes.map((chosen, id) => {
    const at = id * 10;
    const action = toAction(chosen, store, `v${id}`);
    const call = at - chosen.before;
    const base = { id, process: id, key: chosen.key, action, call };
    if (chosen.fate === "unknown, lost") return { ...base, return: null, outcome: UNKNOWN };
    const outcome = store.apply(chosen.key, action);
    if (chosen.fate === "unknown, applied") return { ...base, return: null, outcome: UNKNOWN };
    return { ...base, return: at + chosen.after, outcome };
  });
}

const UNKNOWN: Outcome = { kind: "unknown", reason: "test" };

function toAction(chosen: Recipe, store: SequentialStore, value: string): Action {
  const current = store.get(chosen.key)?.modRevision ?? 0;
  const guesses = { current, absent: 0, old: Math.max(2, current - 1) };
  const expected = guesses[chosen.guess];
  if (chosen.kind === "get") return { kind: "get", consistency: "linearizable" };
  if (chosen.kind === "put") return { kind: "put", value };
  if (chosen.kind === "cas") return { kind: "cas", value, expected };
  return { kind: "delete", expected: chosen.guess === "current" || expected === 0 ? null : expected };
}

/** A good history with one to three answers or moments falsified: it may or may not be wrong now. */
export function spoiltHistory(maxLength: number, unknown: boolean): fc.Arbitrary<Operation[]> {
  const damage = fc.record({
    at: fc.nat(),
    kind: fc.constantFrom("revision", "mod", "value", "time", "vanish", "drop", "swap"),
    by: fc.integer({ min: -3, max: 3 }),
  });
  return fc
    .tuple(goodHistory(maxLength, unknown), fc.array(damage, { minLength: 1, maxLength: 3 }))
    .map(([history, damages]) => damages.reduce((spoilt, chosen) => spoil(spoilt, chosen), history));
}

interface Damage {
  readonly at: number;
  readonly kind: string;
  readonly by: number;
}

function spoil(history: Operation[], damage: Damage): Operation[] {
  const at = damage.at % Math.max(1, history.length);
  const victim = history[at];
  if (victim === undefined) return history;
  if (damage.kind === "drop") return history.filter((operation) => operation !== victim);
  if (damage.kind === "swap") {
    const other = history[(at + 1) % history.length] ?? victim;
    const exchange = (operation: Operation): Operation => {
      if (operation === victim) return { ...operation, outcome: matching(operation, other.outcome) };
      return operation;
    };
    return history.map(exchange);
  }
  return history.map((operation) => (operation === victim ? falsify(operation, damage) : operation));
}

/** `outcome` when it is one that `operation` could get at all. */
function matching(operation: Operation, outcome: Outcome): Outcome {
  if (operation.return === null || outcome.kind === "unknown") return operation.outcome;
  const same = operation.outcome.kind === outcome.kind;
  const read = operation.action.kind === "get" && (outcome.kind === "found" || outcome.kind === "missing");
  return same || read ? outcome : operation.outcome;
}

function falsify(operation: Operation, damage: Damage): Operation {
  const { outcome } = operation;
  if (operation.return === null || outcome.kind === "unknown" || outcome.kind === "failed") return operation;
  if (damage.kind === "time") {
    const shift = damage.by * 12;
    return { ...operation, call: operation.call + shift, return: operation.return + shift };
  }
  if (damage.kind === "revision") {
    return { ...operation, outcome: { ...outcome, revision: Math.max(1, outcome.revision + damage.by) } };
  }
  if (damage.kind === "vanish" && outcome.kind === "found") {
    return { ...operation, outcome: { kind: "missing", revision: outcome.revision } };
  }
  if (outcome.kind === "found" && damage.kind === "value") {
    return { ...operation, outcome: { ...outcome, value: `v${Math.abs(damage.by)}` } };
  }
  if ((outcome.kind === "found" || outcome.kind === "refused") && damage.kind === "mod") {
    const lowest = outcome.kind === "found" ? 1 : 0;
    const modRevision = Math.max(lowest, outcome.modRevision + damage.by);
    return { ...operation, outcome: { ...outcome, modRevision } };
  }
  return operation;
}
