/** The words of a command: positional ones first, then `name=value`. */

export class ScriptError extends Error {
  override readonly name = "ScriptError";
}

export class Args {
  readonly #words: readonly string[];
  readonly #named: ReadonlyMap<string, string>;
  readonly #used = new Set<string>();
  #position = 0;

  constructor(words: readonly string[]) {
    this.#words = words.filter((word) => !word.includes("="));
    this.#named = new Map(
      words
        .filter((word) => word.includes("="))
        .map((word) => [word.slice(0, word.indexOf("=")), word.slice(word.indexOf("=") + 1)]),
    );
  }

  /** The next positional word. */
  word(what: string): string {
    const word = this.optionalWord();
    if (word === null) throw new ScriptError(`${what} is missing`);
    return word;
  }

  optionalWord(): string | null {
    const word = this.#words[this.#position];
    if (word === undefined) return null;
    this.#position += 1;
    return word;
  }

  number(what: string): number {
    return toNumber(this.word(what), what);
  }

  optionalNumber(otherwise: number): number {
    const word = this.optionalWord();
    return word === null ? otherwise : toNumber(word, "the number");
  }

  /** `1->2`. */
  link(): readonly [string, string] {
    return toLink(this.word("the link"));
  }

  named(name: string): string | null {
    this.#used.add(name);
    return this.#named.get(name) ?? null;
  }

  namedNumber(name: string): number | null {
    const value = this.named(name);
    return value === null ? null : toNumber(value, name);
  }

  /** `a,b,c`; an empty value is an empty list. */
  namedList(name: string): string[] | null {
    const value = this.named(name);
    if (value === null) return null;
    return value === "" ? [] : value.split(",");
  }

  /** Refuses what no handler has asked for: a misspelled option must not pass in silence. */
  end(): void {
    const extra = this.#words[this.#position];
    if (extra !== undefined) throw new ScriptError(`unexpected "${extra}"`);
    for (const name of this.#named.keys()) {
      if (!this.#used.has(name)) throw new ScriptError(`unknown option "${name}"`);
    }
  }
}

export function toLink(word: string): readonly [string, string] {
  const [from, to] = word.split("->");
  if (from === undefined || to === undefined) throw new ScriptError(`"${word}" is not a link like 1->2`);
  return [from, to];
}

export function toNumber(word: string, what: string): number {
  const number = Number(word);
  if (!Number.isFinite(number)) throw new ScriptError(`${what}: "${word}" is not a number`);
  return number;
}
