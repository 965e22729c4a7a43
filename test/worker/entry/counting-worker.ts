/**
 * The product's Worker, counting what its replicas do. All of them share an isolate, so the counts are
 * read without asking, and so waking, any of them.
 */
import type { Env } from "../../../src/durable/config.ts";
import { Replica as ProductReplica } from "../../../src/durable/replica.ts";
import type { PeerAddress, PeerAnswer, PeerEnvelope } from "../../../src/engine/peer-api.ts";
import type { PeerSender } from "../../../src/engine/ports.ts";
import type { ReplicaTarget } from "../../../src/engine/replica-api.ts";
import worker from "../../../src/index.ts";

const counts = {
  /** Instances begun: an object without memory begins one with whatever wakes it. */
  starts: 0,
  /** Calls between replicas, as they leave and as they arrive. */
  callsMade: 0,
  callsTaken: 0,
  /** Timers in memory and alarms that came due. */
  timersFired: 0,
  alarmsFired: 0,
  alarmsSet: 0,
  /** As the platform counts and bills them. */
  rowsRead: 0,
  rowsWritten: 0,
  statements: 0,
};

export class Replica extends ProductReplica {
  constructor(context: DurableObjectState, env: Env) {
    super(context, env);
    counts.starts += 1;
    countStatements(context.storage);
  }

  override async deliver(target: ReplicaTarget, envelope: PeerEnvelope): Promise<PeerAnswer> {
    counts.callsTaken += 1;
    return super.deliver(target, envelope);
  }

  override async readIndex(target: ReplicaTarget, address: PeerAddress) {
    counts.callsTaken += 1;
    return super.readIndex(target, address);
  }

  override async alarm(): Promise<void> {
    counts.alarmsFired += 1;
    return super.alarm();
  }

  protected override get memoryTimer() {
    const timer = super.memoryTimer;
    if (timer === null) return null;
    return (delayMs: number, fire: () => void) =>
      timer(delayMs, () => {
        counts.timersFired += 1;
        fire();
      });
  }

  protected override wrapSender(sender: PeerSender): PeerSender {
    return {
      deliver: (envelope, answered) => {
        counts.callsMade += 1;
        sender.deliver(envelope, answered);
      },
      readIndex: (address, answered) => {
        counts.callsMade += 1;
        sender.readIndex(address, answered);
      },
      pull: (request, answered) => {
        counts.callsMade += 1;
        sender.pull(request, answered);
      },
      propose: (to, request, answered) => {
        counts.callsMade += 1;
        sender.propose(to, request, answered);
      },
    };
  }
}

/** From now on; what the database is opened with comes after a constructor. */
function countStatements(storage: DurableObjectStorage): void {
  const { sql } = storage;
  const exec = sql.exec.bind(sql);
  const counted: typeof sql.exec = (statement, ...bindings) => {
    const cursor = exec<Record<string, SqlStorageValue>>(statement, ...bindings);
    counts.statements += 1;
    // A cursor counts as it is drained; this one is, before anything else can look at the counts.
    open.push(cursor);
    return cursor as never;
  };
  Reflect.set(sql, "exec", counted);
  const setAlarm = storage.setAlarm.bind(storage);
  Reflect.set(storage, "setAlarm", (time: number | Date) => {
    counts.alarmsSet += 1;
    return setAlarm(time);
  });
}

let open: { readonly rowsRead: number; readonly rowsWritten: number }[] = [];

/** Adds up what the statements since the last look have read and written. */
function settle(): typeof counts {
  for (const { rowsRead, rowsWritten } of open) {
    counts.rowsRead += rowsRead;
    counts.rowsWritten += rowsWritten;
  }
  open = [];
  return counts;
}

export default {
  async fetch(request: Request, env: Env, context: ExecutionContext): Promise<Response> {
    if (new URL(request.url).pathname === "/_counts") return Response.json(settle());
    return worker.fetch(request, env, context);
  },
};
