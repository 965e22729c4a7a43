/** Runs the cases of the `Sql` port, and of the log on it, inside Durable Objects, each case in an object of its own. */
import { DurableObject } from "cloudflare:workers";
import { DurableSql } from "../../../src/storage/durable-sql.ts";
import { LOG_CASES } from "../../conformance/log.suite.ts";
import { SQL_CASES } from "../../conformance/sql.suite.ts";

interface Env {
  readonly SUITE: DurableObjectNamespace<SqlSuite>;
}

export class SqlSuite extends DurableObject {
  /** Null if the case passes, else why not. */
  runCase(name: string): string | null {
    const found = [...SQL_CASES, ...LOG_CASES].find((one) => one.name === name);
    if (found === undefined) return "no such case";
    try {
      found.run(new DurableSql(this.ctx.storage));
      return null;
    } catch (error) {
      return String(error);
    }
  }

  /** A turn that breaks after it wrote; what the database says of it before this instance ends. */
  breakTurn(): string {
    const sql = new DurableSql(this.ctx.storage);
    try {
      sql.turn(() => {
        sql.run("CREATE TABLE t (id INTEGER PRIMARY KEY)");
        sql.run("INSERT INTO t (id) VALUES (1)");
        throw new Error("the turn broke");
      });
    } catch {
      try {
        return `still ${sql.all("SELECT id FROM t").length} row to be read`;
      } catch (error) {
        this.ctx.abort(String(error));
      }
    }
    return "nothing broke";
  }

  tables(): number {
    return new DurableSql(this.ctx.storage).all("SELECT name FROM sqlite_master WHERE name = 't'").length;
  }
}

/** What became of a broken turn: the error of the call that broke it, and how many tables are left. */
async function breakTurn(env: Env): Promise<Response> {
  const id = env.SUITE.newUniqueId();
  const outcome = await env.SUITE.get(id).breakTurn().catch(String);
  return Response.json({ outcome, tables: await env.SUITE.get(id).tables() });
}

export default {
  async fetch(request: Request, env: Env): Promise<Response> {
    if (new URL(request.url).pathname === "/broken-turn") return breakTurn(env);
    const name = await request.text();
    const stub = env.SUITE.get(env.SUITE.newUniqueId());
    return Response.json({ failure: await stub.runCase(name) });
  },
};
