import type { MvccState } from "./mvcc-state.ts";

/** The state machine's own, changing copy of its counters. */
export type Counters = { -readonly [Name in Exclude<keyof MvccState, "recent">]: MvccState[Name] };
