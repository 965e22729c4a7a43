/** What a hunting process says of one seed. */
export interface HuntLine {
  readonly seed: number;
  /** The first invariant that did not hold; null: all held. */
  readonly invariant: string | null;
  readonly message: string;
}
