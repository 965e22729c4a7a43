/** Every (term, leader) pair that any answer has told; a term may have one leader only. */
export class LeaderBook {
  readonly #leaders = new Map<number, Set<string>>();

  note(term: number, leader: string): void {
    const leaders = this.#leaders.get(term);
    if (leaders === undefined) this.#leaders.set(term, new Set([leader]));
    else leaders.add(leader);
  }

  /** Terms that were heard of, with their leaders. */
  get terms(): readonly { readonly term: number; readonly leaders: readonly string[] }[] {
    return [...this.#leaders].map(([term, leaders]) => ({ term, leaders: [...leaders] }));
  }

  /** Terms with more than one leader: there must be none. */
  get conflicts(): readonly string[] {
    return this.terms
      .filter(({ leaders }) => leaders.length > 1)
      .map(({ term, leaders }) => `term ${term}: ${leaders.join(" and ")}`);
  }
}
