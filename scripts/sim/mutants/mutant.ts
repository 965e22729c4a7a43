/** A known bug as data: where the source is right, and how it would be wrong. */
import { assert } from "../../../src/base/assert.ts";
import type { Climate } from "./climate.ts";

export interface Edit {
  /** Path from the project's root. */
  readonly file: string;
  /** Text that the file holds exactly once. */
  readonly search: string;
  readonly replace: string;
}

/**
 * What must find it: the whole simulator in some climate, or the fuzzer of the consensus core, which
 * runs the same invariants and more, and lives many lives a second. Changes of membership are its
 * alone: no call of a client's makes them yet.
 */
export type Detector = Climate | "core";

export interface Mutant {
  readonly id: string;
  /** The bug, in the words of what goes wrong. */
  readonly title: string;
  /** Where it has happened, or which rule it breaks. */
  readonly known: string;
  readonly detector: Detector;
  /** Why nothing finds it yet: a hole that is known. Such a bug is hunted only when it is asked for by name. */
  readonly open?: string;
  readonly edits: readonly Edit[];
}

/** `source` with `edit` applied. Throws unless the searched text is there exactly once. */
export function applyEdit(source: string, { file, search, replace }: Edit): string {
  const parts = source.split(search);
  assert(parts.length === 2, `${file} holds ${parts.length - 1} times, not once:\n${search}`);
  return parts.join(replace);
}
