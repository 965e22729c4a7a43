/**
 * What every adapter of the `Sql` port must do. The cases know neither a test framework nor a
 * platform: they run under Vitest on `node:sqlite`, and inside a Durable Object on workerd.
 */
import type { Sql, SqlValue } from "../../src/base/sql.ts";
import { equal, refuses } from "./expectations.ts";

export interface SqlCase {
  readonly name: string;
  /** Throws if the adapter fails. The database is empty at first. */
  readonly run: (sql: Sql) => void;
}

/** Passes the value on as if its type were right, to see the adapter refuse it. */
function illTyped(value: unknown): SqlValue {
  return value as SqlValue;
}

const bytes = (...values: number[]) => new Uint8Array(values);

function table(sql: Sql): void {
  sql.run("CREATE TABLE t (id INTEGER PRIMARY KEY, b BLOB, n INTEGER, s TEXT, r REAL)");
}

const types: readonly SqlCase[] = [
  {
    name: "every type comes back as it went in, rows as arrays in column order",
    run(sql) {
      table(sql);
      sql.run("INSERT INTO t VALUES (?, ?, ?, ?, ?)", 1, bytes(0, 255, 1), -7, "zoë\u0000x", 1.5);
      sql.run("INSERT INTO t VALUES (?, ?, ?, ?, ?)", 2, null, null, null, null);
      const rows = sql.all("SELECT r, s, n, b, id FROM t ORDER BY id");
      equal(Array.isArray(rows[0]), true, "a row is an array");
      equal(rows[0], [1.5, "zoë\u0000x", -7, bytes(0, 255, 1), 1], "values");
      equal(rows[1], [null, null, null, null, 2], "nulls");
      equal(rows[0]?.[3] instanceof Uint8Array, true, "a blob is a Uint8Array");
    },
  },
  {
    name: "a blob without bytes is not NULL",
    run(sql) {
      table(sql);
      sql.run("INSERT INTO t (id, b) VALUES (1, ?)", new Uint8Array(0));
      equal(sql.first("SELECT b IS NULL, length(b), typeof(b) FROM t"), [0, 0, "blob"], "as stored");
      equal(sql.first("SELECT b FROM t"), [new Uint8Array(0)], "as read");
    },
  },
  {
    name: "a view binds its own bytes only, and a read blob is the caller's",
    run(sql) {
      table(sql);
      const view = bytes(9, 1, 2, 9).subarray(1, 3);
      sql.run("INSERT INTO t (id, b) VALUES (1, ?)", view);
      view.fill(7);
      const read = sql.first("SELECT b FROM t")?.[0];
      equal(read, bytes(1, 2), "the view");
      if (read instanceof Uint8Array) read.fill(7);
      equal(sql.first("SELECT b FROM t"), [bytes(1, 2)], "unchanged by what the reader did");
    },
  },
  {
    name: "a value of 1.5 MiB round trips",
    run(sql) {
      table(sql);
      const large = new Uint8Array(1_572_864).map((_, i) => i % 251);
      sql.run("INSERT INTO t (id, b) VALUES (1, ?)", large);
      equal(sql.first("SELECT length(b) FROM t"), [1_572_864], "length");
      const read = sql.first("SELECT b FROM t")?.[0];
      const same = read instanceof Uint8Array && read.every((byte, i) => byte === i % 251);
      equal(same, true, "content");
    },
  },
];

const numbers: readonly SqlCase[] = [
  {
    name: "integers are exact up to 2^53 - 1, both signs",
    run(sql) {
      table(sql);
      for (const n of [Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER, 0, -1]) {
        sql.run("INSERT INTO t (n) VALUES (?)", n);
        equal(sql.first("SELECT n, typeof(n) FROM t ORDER BY id DESC LIMIT 1"), [n, "integer"], `${n}`);
      }
      sql.run("INSERT INTO t (id) VALUES (?)", Number.MAX_SAFE_INTEGER);
      equal(sql.first("SELECT max(id) FROM t"), [Number.MAX_SAFE_INTEGER], "as a primary key");
    },
  },
  {
    name: "what would lose exactness is refused, both ways",
    run(sql) {
      table(sql);
      refuses("2^53", () => sql.run("INSERT INTO t (n) VALUES (?)", 2 ** 53));
      refuses("BigInt", () => sql.run("INSERT INTO t (n) VALUES (?)", illTyped(1n)));
      refuses("NaN", () => sql.run("INSERT INTO t (n) VALUES (?)", Number.NaN));
      refuses("infinity", () => sql.run("INSERT INTO t (n) VALUES (?)", Number.POSITIVE_INFINITY));
      refuses("undefined", () => sql.run("INSERT INTO t (n) VALUES (?)", illTyped(undefined)));
      refuses("reading 2^53 + 1", () => sql.all("SELECT 9007199254740993"));
      equal(sql.first("SELECT count(*) FROM t"), [0], "nothing was written");
    },
  },
  {
    name: "a bound number limits and compares as an integer does",
    run(sql) {
      table(sql);
      for (let id = 1; id <= 5; id += 1) sql.run("INSERT INTO t (id, n) VALUES (?, ?)", id, id * 10);
      equal(sql.all("SELECT id FROM t ORDER BY id LIMIT ?", 2), [[1], [2]], "LIMIT");
      equal(sql.all("SELECT id FROM t WHERE n > ?1 AND id < ?2 AND n < ?1 + 20", 20, 5), [[3]], "numbered");
    },
  },
];

const order: readonly SqlCase[] = [
  {
    name: "blobs sort and compare as unsigned bytes, shorter first",
    run(sql) {
      table(sql);
      sql.run("CREATE INDEX t_b ON t (b)");
      const sorted = [
        bytes(),
        bytes(0),
        bytes(0, 0),
        bytes(1),
        bytes(127),
        bytes(128),
        bytes(255),
        bytes(255, 0),
      ];
      for (const blob of [...sorted].reverse()) sql.run("INSERT INTO t (b) VALUES (?)", blob);
      equal(
        sql.all("SELECT b FROM t ORDER BY b"),
        sorted.map((blob) => [blob]),
        "order",
      );
      equal(
        sql.all("SELECT b FROM t WHERE b >= ? AND b < ? ORDER BY b", bytes(0, 0), bytes(128)),
        [[bytes(0, 0)], [bytes(1)], [bytes(127)]],
        "an interval",
      );
    },
  },
  {
    name: "a recursive query walks distinct keys",
    run(sql) {
      table(sql);
      sql.run("CREATE INDEX t_b ON t (b)");
      for (const byte of [3, 1, 3, 2, 1]) sql.run("INSERT INTO t (b) VALUES (?)", bytes(byte));
      const rows = sql.all(
        `WITH RECURSIVE keys(k) AS (
           SELECT (SELECT b FROM t ORDER BY b LIMIT 1)
           UNION ALL SELECT (SELECT b FROM t WHERE b > k ORDER BY b LIMIT 1) FROM keys WHERE k IS NOT NULL)
         SELECT k FROM keys WHERE k IS NOT NULL LIMIT ?`,
        2,
      );
      equal(rows, [[bytes(1)], [bytes(2)]], "distinct");
    },
  },
];

const transactions: readonly SqlCase[] = [
  {
    name: "a transaction that throws leaves nothing, and the error is the body's own",
    run(sql) {
      table(sql);
      sql.run("INSERT INTO t (id, n) VALUES (1, 1)");
      const error = new Error("stop");
      let caught: unknown = null;
      try {
        sql.transaction(() => {
          sql.run("UPDATE t SET n = 2");
          sql.run("INSERT INTO t (id) VALUES (2)");
          throw error;
        });
      } catch (thrown) {
        caught = thrown;
      }
      equal(caught === error, true, "the thrown error");
      equal(sql.all("SELECT id, n FROM t"), [[1, 1]], "rows");
      equal(
        sql.transaction(() => sql.first("SELECT n FROM t")),
        [1],
        "usable again, with a result",
      );
    },
  },
  {
    name: "a transaction may create tables, and takes them back too",
    run(sql) {
      refuses("the body's error", () =>
        sql.transaction(() => {
          table(sql);
          throw new Error("stop");
        }),
      );
      refuses("the table", () => sql.run("INSERT INTO t (id) VALUES (1)"));
      sql.transaction(() => table(sql));
      equal(sql.all("SELECT id FROM t"), [], "the table");
    },
  },
  {
    name: "transactions do not nest",
    run(sql) {
      table(sql);
      refuses("nesting", () =>
        sql.transaction(() => sql.transaction(() => sql.run("INSERT INTO t (id) VALUES (1)"))),
      );
      equal(sql.all("SELECT id FROM t"), [], "rows");
    },
  },
  {
    name: "a turn keeps what it wrote, hands on its result, and is no place for a transaction",
    run(sql) {
      table(sql);
      equal(
        sql.turn(() => {
          sql.run("INSERT INTO t (id, n) VALUES (1, 1)");
          sql.run("UPDATE t SET n = 2");
          return sql.first("SELECT n FROM t");
        }),
        [2],
        "the result",
      );
      equal(sql.all("SELECT id, n FROM t"), [[1, 2]], "rows");
      refuses("a transaction inside", () => sql.turn(() => sql.transaction(() => undefined)));
    },
  },
  {
    name: "a broken constraint is an error that a transaction survives only by rolling back",
    run(sql) {
      table(sql);
      sql.run("INSERT INTO t (id) VALUES (1)");
      refuses("a duplicate key", () => sql.run("INSERT INTO t (id) VALUES (1)"));
      refuses("a duplicate key inside", () =>
        sql.transaction(() => {
          sql.run("INSERT INTO t (id) VALUES (5)");
          sql.run("INSERT INTO t (id) VALUES (1)");
        }),
      );
      equal(sql.all("SELECT id FROM t"), [[1]], "rows");
    },
  },
];

const statements: readonly SqlCase[] = [
  {
    name: "first gives one row or null; run discards rows",
    run(sql) {
      table(sql);
      equal(sql.first("SELECT id FROM t LIMIT 1"), null, "none");
      sql.run("INSERT INTO t (id) VALUES (1), (2)");
      equal(sql.first("SELECT id FROM t ORDER BY id"), [1], "the first of two");
      sql.run("SELECT id FROM t");
      equal(sql.all("SELECT id FROM t ORDER BY id"), [[1], [2]], "all");
    },
  },
  {
    name: "a statement may be used again, also after it failed and after the schema changed",
    run(sql) {
      table(sql);
      const insert = "INSERT INTO t (id, n) VALUES (?, ?)";
      sql.run(insert, 1, 1);
      refuses("a duplicate", () => sql.run(insert, 1, 1));
      sql.run(insert, 2, 2);
      const select = "SELECT * FROM t WHERE id = ?";
      equal(sql.first(select, 2)?.length, 5, "columns");
      sql.run("ALTER TABLE t ADD COLUMN extra INTEGER");
      equal(sql.first(select, 2)?.length, 6, "columns after the change");
    },
  },
  {
    name: "wrong SQL and a wrong number of bindings are errors",
    run(sql) {
      table(sql);
      refuses("nonsense", () => sql.run("SELEC 1"));
      refuses("an unknown table", () => sql.all("SELECT 1 FROM nowhere"));
      refuses("too many bindings", () => sql.run("INSERT INTO t (id) VALUES (?)", 1, 2));
      refuses("too few bindings", () => sql.run("INSERT INTO t (id, n) VALUES (?, ?)", 1));
    },
  },
  {
    name: "writes between two reads of one statement are seen",
    run(sql) {
      table(sql);
      const count = "SELECT count(*) FROM t";
      equal(sql.first(count), [0], "before");
      sql.run("INSERT INTO t (id) VALUES (1)");
      equal(sql.first(count), [1], "after");
      for (const row of sql.all("SELECT id FROM t")) sql.run("DELETE FROM t WHERE id = ?", row[0] ?? null);
      equal(sql.first(count), [0], "deleted while walking the rows");
    },
  },
  {
    name: "sizeBytes grows with what is stored",
    run(sql) {
      table(sql);
      const before = sql.sizeBytes();
      for (let id = 1; id <= 20; id += 1)
        sql.run("INSERT INTO t (id, b) VALUES (?, ?)", id, new Uint8Array(50_000));
      const grown = sql.sizeBytes() - before;
      equal(grown >= 1_000_000 && grown < 2_000_000, true, `grown by ${grown}`);
    },
  },
];

export const SQL_CASES: readonly SqlCase[] = [...types, ...numbers, ...order, ...transactions, ...statements];
