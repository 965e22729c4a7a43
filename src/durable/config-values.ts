/** Reading single variables: what was given, or a problem that names the variable and the fix. */

/** Something wrong (or, as a warning, unwise) in the configuration. */
export interface ConfigProblem {
  /** The variable's name in `wrangler.toml` or among the secrets. */
  readonly variable: string;
  /** What is wrong. */
  readonly message: string;
  /** What to do about it. */
  readonly fix: string;
}

/** Variables and bindings of a Worker, as the platform hands them over. */
export type Env = Readonly<Record<string, unknown>>;

/** A whole number with its bounds, both inclusive, and the unit for messages. */
export interface NumberRule {
  readonly variable: string;
  readonly fallback: number;
  readonly min: number;
  readonly max: number;
  readonly unit: string;
}

/** Reads variables from one `env` and collects every problem on the way. */
export class ConfigReader {
  readonly problems: ConfigProblem[] = [];
  readonly #env: Env;

  constructor(env: Env) {
    this.#env = env;
  }

  problem(variable: string, message: string, fix: string): void {
    this.problems.push({ variable, message, fix });
  }

  /** The variable as text, or null when it is not set. TOML numbers and booleans count as their text. */
  text(variable: string): string | null {
    const value = this.#env[variable];
    if (value === undefined || value === null) return null;
    if (typeof value === "string") return value;
    if (typeof value === "number" || typeof value === "boolean") return String(value);
    this.problem(variable, "is neither a text nor a number", `write ${variable} = "..." under [vars]`);
    return null;
  }

  /** A whole number within the rule's bounds; the fallback when it is not set or wrong. */
  count(rule: NumberRule): number {
    const text = this.text(rule.variable);
    if (text === null) return rule.fallback;
    const value = /^\d{1,16}$/.test(text.trim()) ? Number(text) : Number.NaN;
    if (value >= rule.min && value <= rule.max) return value;
    this.problem(
      rule.variable,
      `"${text}" is not a whole number of ${rule.unit} from ${rule.min} to ${rule.max}`,
      `set it within these bounds, or leave it out for ${rule.fallback}`,
    );
    return rule.fallback;
  }

  /** `true` or `false`; false when it is not set or wrong. */
  flag(variable: string): boolean {
    const text = this.text(variable);
    if (text === null || text === "false") return false;
    if (text === "true") return true;
    this.problem(
      variable,
      `"${text}" is neither "true" nor "false"`,
      `set ${variable} = "true" or leave it out`,
    );
    return false;
  }
}
