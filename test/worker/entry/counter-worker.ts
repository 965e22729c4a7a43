/** A replica that only counts: shows what the processes of a cluster do, without Raft. */
import { DurableObject } from "cloudflare:workers";

type CounterEnv = Readonly<Record<string, unknown>>;

export class Replica extends DurableObject<CounterEnv> {
  constructor(context: DurableObjectState, env: CounterEnv) {
    super(context, env);
    context.storage.sql.exec(
      "CREATE TABLE IF NOT EXISTS counts (name TEXT PRIMARY KEY, count INTEGER NOT NULL)",
    );
  }

  async count(name: string): Promise<number> {
    return this.#increment(name);
  }

  async read(name: string): Promise<number> {
    const [row] = this.ctx.storage.sql.exec<{ count: number }>(
      "SELECT count FROM counts WHERE name = ?",
      name,
    );
    return row?.count ?? 0;
  }

  async wakeAt(timeMs: number): Promise<void> {
    await this.ctx.storage.setAlarm(timeMs);
  }

  override async alarm(): Promise<void> {
    this.#increment("alarms");
  }

  #increment(name: string): number {
    const sql =
      "INSERT INTO counts VALUES (?, 1) ON CONFLICT DO UPDATE SET count = count + 1 RETURNING count";
    return this.ctx.storage.sql.exec<{ count: number }>(sql, name).one().count;
  }
}

/** `/{binding}/{count|read|wakeAt}/{argument}`: calls the replica behind a binding. */
export default {
  async fetch(request: Request, env: CounterEnv): Promise<Response> {
    const [, binding = "", method = "", argument = ""] = new URL(request.url).pathname.split("/");
    // Bound by the cluster script or by a test.
    const namespace = env[binding] as DurableObjectNamespace<Replica>;
    const stub = namespace.get(namespace.idFromName(`default/${binding}`));
    try {
      if (method === "wakeAt") await stub.wakeAt(Number(argument));
      const value = method === "count" ? await stub.count(argument) : await stub.read(argument);
      return Response.json({ value, id: stub.id.toString(), cluster: env["INITIAL_CLUSTER"] });
    } catch (error) {
      return new Response(String(error), { status: 503 });
    }
  },
};
