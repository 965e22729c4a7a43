/**
 * One key: put, get, compare-and-swap and delete, with the key's mod_revision and the store's revision
 * at which each answer was given. Other keys move the store's revision on, so a key sees it jump but
 * never fall: every write of this key has a revision above all that earlier answers spoke of.
 */
import { assertNever } from "../../src/base/assert.ts";
import { IMPOSSIBLE, type Model, type Step } from "./model.ts";
import type { Operation } from "./operation.ts";

export interface Register {
  /** null when the key is missing. */
  readonly value: string | null;
  /** 0 when missing; null when a write of unknown outcome put the value and nobody has seen its revision. */
  readonly mod: number | null;
  /** The next write has a revision above this. When `mod` is null, its revision is at least this. */
  readonly floor: number;
}

export const registerModel: Model<Register, Operation> = {
  init: { value: null, mod: 0, floor: 0 },

  step(state, operation) {
    const { action, outcome } = operation;
    switch (action.kind) {
      case "get":
        if (outcome.kind === "found") {
          return observe(state, outcome.modRevision, outcome.value, outcome.revision);
        }
        if (outcome.kind === "missing") return observe(state, 0, null, outcome.revision);
        return IMPOSSIBLE;
      case "put":
        return write(state, operation, action.value);
      case "cas":
        if (outcome.kind === "refused") return refuse(state, operation, action.expected);
        return chain(match(state, action.expected), (matched) => write(matched, operation, action.value));
      case "delete":
        if (outcome.kind === "nothing-deleted") return observe(state, 0, null, outcome.revision);
        if (outcome.kind === "refused") return refuse(state, operation, action.expected);
        return chain(present(state, action.expected), (matched) => write(matched, operation, null));
      default:
        return assertNever(action, "register step");
    }
  },

  hash(state) {
    return `${state.floor}/${state.mod ?? "?"}/${state.value === null ? "-" : `=${state.value}`}`;
  },

  readOnly(operation) {
    const { kind } = operation.outcome;
    return kind === "found" || kind === "missing" || kind === "nothing-deleted" || kind === "refused";
  },
};

function chain(first: Step<Register>, then: (state: Register) => Step<Register>): Step<Register> {
  return first.ok ? then(first.state) : first;
}

/** The key is seen with `mod` (0: missing) at store revision `revision`; `value` null when not told. */
function observe(state: Register, mod: number, value: string | null, revision: number): Step<Register> {
  if (revision < state.floor || mod > revision) return IMPOSSIBLE;
  if (mod === 0) {
    if (state.value !== null) return IMPOSSIBLE;
    return { ok: true, state: { value: null, mod: 0, floor: revision } };
  }
  if (value !== null && state.value !== value) return IMPOSSIBLE;
  return chain(match(state, mod), (seen) => ({ ok: true, state: { ...seen, floor: revision } }));
}

function refuse(state: Register, operation: Operation, expected: number | null): Step<Register> {
  const { outcome } = operation;
  if (outcome.kind !== "refused" || expected === null || outcome.modRevision === expected) return IMPOSSIBLE;
  return observe(state, outcome.modRevision, null, outcome.revision);
}

/** The key is at `expected` (0: missing). Settles the revision of a write nobody had seen so far. */
function match(state: Register, expected: number): Step<Register> {
  if (expected === 0) return state.value === null ? { ok: true, state } : IMPOSSIBLE;
  if (state.value === null) return IMPOSSIBLE;
  if (state.mod === expected) return { ok: true, state };
  if (state.mod !== null || expected < state.floor) return IMPOSSIBLE;
  return { ok: true, state: { value: state.value, mod: expected, floor: expected } };
}

function present(state: Register, expected: number | null): Step<Register> {
  if (expected !== null) return expected === 0 ? IMPOSSIBLE : match(state, expected);
  return state.value === null ? IMPOSSIBLE : { ok: true, state };
}

/** The key gets `value` (null: is deleted) at the revision the client was told, or at an unknown one. */
function write(state: Register, operation: Operation, value: string | null): Step<Register> {
  const { outcome } = operation;
  if (outcome.kind === "unknown") {
    return { ok: true, state: { value, mod: value === null ? 0 : null, floor: state.floor + 1 } };
  }
  const expectedKind = value === null ? "deleted" : "written";
  if (outcome.kind !== expectedKind || outcome.revision <= state.floor) return IMPOSSIBLE;
  const { revision } = outcome;
  return { ok: true, state: { value, mod: value === null ? 0 : revision, floor: revision } };
}
