/**
 * The Worker of the benchmark: edged as deployed, and beside it what a user would write instead:
 * one plain Durable Object that stores each put in its own SQLite.
 */
import { DurableObject } from "cloudflare:workers";
import edged, { Replica } from "../../src/index.ts";

export { Replica };

interface PlainEnv {
  readonly PLAIN: DurableObjectNamespace<PlainStore>;
}

/** One location, one copy. */
export class PlainStore extends DurableObject {
  constructor(ctx: DurableObjectState, env: unknown) {
    super(ctx, env as never);
    ctx.storage.sql.exec("CREATE TABLE IF NOT EXISTS kv (key TEXT PRIMARY KEY, value BLOB)");
  }

  put(key: string, value: ArrayBuffer): void {
    this.ctx.storage.sql.exec("INSERT OR REPLACE INTO kv (key, value) VALUES (?, ?)", key, value);
  }

  get(key: string): ArrayBuffer | null {
    const row = this.ctx.storage.sql
      .exec<{ value: ArrayBuffer }>("SELECT value FROM kv WHERE key = ?", key)
      .toArray()[0];
    return row?.value ?? null;
  }

  noop(): void {}
}

async function plain(request: Request, env: PlainEnv): Promise<Response> {
  const { pathname } = new URL(request.url);
  const store = env.PLAIN.getByName("plain");
  if (pathname === "/plain/noop") {
    await store.noop();
    return new Response("ok");
  }
  const key = pathname.slice("/plain/".length);
  if (request.method === "PUT") {
    await store.put(key, await request.arrayBuffer());
    return new Response("ok");
  }
  const value = await store.get(key);
  return value === null ? new Response("not found", { status: 404 }) : new Response(value);
}

export default {
  fetch(
    request: Request,
    env: PlainEnv & Record<string, unknown>,
    context: ExecutionContext,
  ): Response | Promise<Response> {
    return new URL(request.url).pathname.startsWith("/plain/")
      ? plain(request, env)
      : edged.fetch(request, env, context);
  },
};
