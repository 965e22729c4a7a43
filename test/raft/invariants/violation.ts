/** A safety property does not hold. Carries the property's name, so that a smaller run can be asked to break the same one. */
export class Violation extends Error {
  override readonly name = "Violation";
  readonly invariant: string;

  constructor(invariant: string, message: string) {
    super(`${invariant}: ${message}`);
    this.invariant = invariant;
  }
}

export function violated(invariant: string, message: string): never {
  throw new Violation(invariant, message);
}
