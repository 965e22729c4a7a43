/** The product's Worker, counting which rows its replicas write, as the platform counts and bills them. */
import { LIMITS } from "../../../src/base/limits.ts";
import type { Env } from "../../../src/durable/config.ts";
import { Replica as ProductReplica } from "../../../src/durable/replica.ts";
import worker from "../../../src/index.ts";

interface Cursor {
  readonly rowsWritten: number;
}

const TABLE = /\b(INSERT|UPDATE|DELETE)\b(?: OR REPLACE)?(?: INTO| FROM)? +(\w+)/;

/**
 * In the long run each write also deletes what one long ago left. With a short memory of operations that
 * run is short; how many they are makes no difference to it.
 */
const OPERATIONS_KEPT = 300;
Reflect.set(LIMITS, "dedupOperationsMax", OPERATIONS_KEPT);

/** Rows by verb and table, of all replicas together: they share this isolate. */
let counts = new Map<string, number>();
/** A cursor counts as it is drained, which is before anybody can look. */
let open: { readonly what: string; readonly cursor: Cursor }[] = [];

export class Replica extends ProductReplica {
  constructor(context: DurableObjectState, env: Env) {
    super(context, env);
    const { storage } = context;
    const { sql } = storage;
    const exec = sql.exec.bind(sql);
    const counted: typeof sql.exec = (statement, ...bindings) => {
      const cursor = exec<Record<string, SqlStorageValue>>(statement, ...bindings);
      const [, verb, table] = TABLE.exec(statement) ?? [];
      if (verb !== undefined) {
        open.push({ what: `${verb.toLowerCase()} ${table?.replace(/_\d$/, "")}`, cursor });
      }
      return cursor as never;
    };
    Reflect.set(sql, "exec", counted);
    const setAlarm = storage.setAlarm.bind(storage);
    Reflect.set(storage, "setAlarm", (time: number | Date) => {
      open.push({ what: "set alarm", cursor: { rowsWritten: 1 } });
      return setAlarm(time);
    });
  }
}

/** What was written since this was last asked. */
function takeCounts(): Readonly<Record<string, number>> {
  for (const { what, cursor } of open) counts.set(what, (counts.get(what) ?? 0) + cursor.rowsWritten);
  open = [];
  const taken = Object.fromEntries(counts);
  counts = new Map();
  return taken;
}

export default {
  fetch(request: Request, env: Env, context: ExecutionContext): Response | Promise<Response> {
    if (new URL(request.url).pathname === "/_rows") return Response.json(takeCounts());
    return worker.fetch(request, env, context);
  },
};
