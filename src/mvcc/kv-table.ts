import { defined } from "../base/assert.ts";
import type { Sql, SqlRow, SqlValue } from "../base/sql.ts";
import { blob, blobOrEmpty, blobOrNull, integer } from "./columns.ts";
import type { Span } from "./interval.ts";
import { KV_STATEMENTS, type KvStatements, type SpanStatements } from "./kv-statements.ts";
import type { Generation } from "./mvcc-state.ts";
import type { NewestVersions } from "./newest-versions.ts";
import type { Version } from "./version.ts";

/**
 * Reads and appends versions of one generation. `bound` is a position in history: only versions at
 * or below it are seen, which is how the past is read.
 */
export class KvTable {
  readonly #sql: Sql;
  readonly #statements: KvStatements;
  readonly #newest: NewestVersions | null;

  /** `newest`: of who alone appends to this generation. Null for whoever only reads. */
  constructor(sql: Sql, generation: Generation, newest: NewestVersions | null = null) {
    this.#sql = sql;
    this.#statements = KV_STATEMENTS[generation];
    this.#newest = newest;
  }

  /** The live version of `key`, or null if it does not exist or is deleted at `bound`. */
  live(key: Uint8Array, bound: number, withValue: boolean): Version | null {
    const known = this.#newest?.find(key, bound, withValue);
    if (known !== undefined) return known;
    const { newest, newestWithValue } = this.#statements;
    const row = this.#sql.first(withValue ? newestWithValue : newest, key, bound);
    const version = row === null ? null : toVersion(row, withValue);
    this.#newest?.noteRead(key, bound, version);
    return version === null || version.version === 0 ? null : version;
  }

  /** The value of the version at `ord`, which must exist. */
  value(ord: number): Uint8Array {
    const row = defined(this.#sql.first(this.#statements.value, ord), "a version that was listed exists");
    return blobOrEmpty(row, 0);
  }

  /** Up to `rowsMax` live versions of the span in key order, without values. */
  page(span: Span, bound: number, rowsMax: number): Version[] {
    const rows = this.#sql.all(this.#span(span).page, ...bindings(span, bound), rowsMax);
    return rows.map((row) => toVersion(row, false));
  }

  /**
   * The same with values; ends early after the row that reaches `bytesMax` of keys and values. No
   * rows at all means the end of the span.
   */
  pageWithValues(span: Span, bound: number, rowsMax: number, bytesMax: number): Version[] {
    const { pageWithValues } = this.#span(span);
    const rows = this.#sql.all(pageWithValues, ...bindings(span, bound), rowsMax, bytesMax);
    return rows.map((row) => toVersion(row, true));
  }

  /** How many keys of the span are live at `bound`. */
  count(span: Span, bound: number): number {
    const row = this.#sql.first(this.#span(span).count, ...bindings(span, bound));
    return row === null ? 0 : integer(row, 0);
  }

  /**
   * The position of the last version written at or before `revision`, at most `newest`: the bound to
   * read as of that revision. A binary search; positions that were collected are passed over.
   */
  ordOfRevision(revision: number, newest: number): number {
    let atOrBefore = 0;
    let last = newest;
    while (atOrBefore < last) {
      const middle = Math.ceil((atOrBefore + last) / 2);
      const row = this.#sql.first(this.#statements.seek, middle);
      const ord = row === null ? last + 1 : integer(row, 0);
      if (row !== null && ord <= last && integer(row, 1) <= revision) atOrBefore = ord;
      else last = middle - 1;
    }
    return atOrBefore;
  }

  /** Appends one version; `sub` is its place within its revision. Version 0 marks a deletion. */
  append(version: Version, sub: number): void {
    this.#sql.run(
      this.#statements.insert,
      version.ord,
      version.main,
      sub,
      version.key,
      version.createMain,
      version.version,
      version.lease,
      version.value,
    );
    this.#newest?.noteWritten(version);
  }

  #span(span: Span): SpanStatements {
    return span.end === null ? this.#statements.open : this.#statements.bounded;
  }
}

function bindings(span: Span, bound: number): SqlValue[] {
  return span.end === null ? [span.from, bound] : [span.from, span.end, bound];
}

function toVersion(row: SqlRow, withValue: boolean): Version {
  return {
    ord: integer(row, 0),
    main: integer(row, 1),
    key: blob(row, 2),
    createMain: integer(row, 3),
    version: integer(row, 4),
    lease: blobOrNull(row, 5),
    value: withValue ? blobOrEmpty(row, 6) : null,
  };
}
