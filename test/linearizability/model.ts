/**
 * What the store ought to do, one operation at a time. The checker searches for an order of the
 * operations that the model accepts.
 */
export interface Model<State, Op> {
  readonly init: State;
  /**
   * Whether `op`, with the answer it got, may happen in `state`, and what the state is then. An
   * operation of unknown outcome must be accepted only where it has an effect: "no effect" is the case
   * in which the checker never places it.
   */
  step(state: State, op: Op): Step<State>;
  /** Equal texts if and only if the states are equal. */
  hash(state: State): string;
  /** True when `op` changes nothing that a later operation could see, in whatever state. */
  readOnly(op: Op): boolean;
}

export type Step<State> = { readonly ok: true; readonly state: State } | { readonly ok: false };

/** The step that is not possible. */
export const IMPOSSIBLE: { readonly ok: false } = { ok: false };
