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
}

export default {
  async fetch(request: Request, env: Env): Promise<Response> {
    const name = await request.text();
    const stub = env.SUITE.get(env.SUITE.newUniqueId());
    return Response.json({ failure: await stub.runCase(name) });
  },
};
