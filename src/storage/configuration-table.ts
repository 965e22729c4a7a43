/** The configurations in the log, as text by log index. */
import { defined } from "../base/assert.ts";
import type { Sql, SqlRow } from "../base/sql.ts";
import type { Configuration, ConfigurationAt } from "../raft/types.ts";

export class ConfigurationTable {
  readonly #sql: Sql;

  constructor(sql: Sql) {
    this.#sql = sql;
  }

  put({ index, configuration }: ConfigurationAt): void {
    const body = JSON.stringify(configuration);
    this.#sql.run("INSERT OR REPLACE INTO configuration (idx, body) VALUES (?, ?)", index, body);
  }

  get(index: number): Configuration {
    const row = this.#sql.first("SELECT idx, body FROM configuration WHERE idx = ?", index);
    return decode(defined(row, `no configuration is stored at ${index}`)).configuration;
  }

  /** The newest at or below `applied`, then every later one, by index. */
  since(applied: number): ConfigurationAt[] {
    return this.#sql
      .all(
        `SELECT idx, body FROM configuration
         WHERE idx >= coalesce((SELECT max(idx) FROM configuration WHERE idx <= ?), 0) ORDER BY idx`,
        applied,
      )
      .map(decode);
  }

  truncateFrom(index: number): void {
    this.#sql.run("DELETE FROM configuration WHERE idx >= ?", index);
  }

  /** Forgets those before the one in force at `index`. */
  compact(index: number): void {
    this.#sql.run(
      "DELETE FROM configuration WHERE idx < (SELECT max(idx) FROM configuration WHERE idx <= ?)",
      index,
    );
  }

  /** `at` takes the place of everything up to `through`. */
  reset(at: ConfigurationAt, through: number): void {
    this.#sql.run("DELETE FROM configuration WHERE idx <= ?", through);
    this.put(at);
  }
}

function decode([idx, body]: SqlRow): ConfigurationAt {
  // Written by `put` only: the shape is that of Configuration.
  return { index: Number(idx), configuration: JSON.parse(String(body)) as Configuration };
}
