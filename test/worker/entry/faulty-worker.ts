/**
 * The product's Worker with faults: replicas that can be cut off from each other, killed, and robbed
 * of their memory through `/_control/...`; everything else is the real gateway and the real replica.
 */
import type { Env } from "../../../src/durable/config.ts";
import { Replica as ProductReplica } from "../../../src/durable/replica.ts";
import type { MemoryTimer } from "../../../src/durable/timers.ts";
import type {
  PeerAddress,
  PeerAnswer,
  PeerEnvelope,
  PullAnswer,
  PullRequest,
  ReadIndexAnswer,
} from "../../../src/engine/peer-api.ts";
import type { PeerSender } from "../../../src/engine/ports.ts";
import type {
  AskAlone,
  ProposeReply,
  ProposeRequest,
  QueryReply,
  RangeCall,
  RangeReply,
  ReadCall,
  ReadTxnReply,
  ReplicaTarget,
  StatusReply,
  Unavailable,
  WatchCall,
  WatchReply,
} from "../../../src/engine/replica-api.ts";
import type { Roster } from "../../../src/engine/roster.ts";
import worker from "../../../src/index.ts";
import type {
  FlatPropose,
  FlatProposeReply,
  FlatRange,
  FlatRangeReply,
} from "../../../src/transport/flat-calls.ts";
import { replicaObjectName } from "../../../src/transport/object-name.ts";
import { type FaultRules, Faults } from "./faults.ts";
import { FaultySender } from "./faulty-sender.ts";
import { LeaderLedger } from "./leader-ledger.ts";

const faults = new Faults();
const ledger = new LeaderLedger();
/** How many instances of each object have begun, by object name. */
const starts = new Map<string, number>();

/** What the gateway is given; null for the Worker's own. */
let gatewayEnv: Env | null = null;

const CLUSTER = "default";
const DOWN_RETRY_MS = 20;

export class Replica extends ProductReplica {
  constructor(context: DurableObjectState, env: Env) {
    super(context, env);
    const name = context.id.name ?? "";
    starts.set(name, (starts.get(name) ?? 0) + 1);
  }

  override async proposeFlat(...call: FlatPropose): Promise<FlatProposeReply> {
    this.#mustBeUp();
    return super.proposeFlat(...call);
  }

  override async rangeFlat(...call: FlatRange): Promise<FlatRangeReply> {
    this.#mustBeUp();
    return super.rangeFlat(...call);
  }

  override async readTxn(target: ReplicaTarget, call: ReadCall): Promise<ReadTxnReply> {
    this.#mustBeUp();
    return super.readTxn(target, call);
  }

  override async proposeMany(
    target: ReplicaTarget,
    requests: readonly ProposeRequest[],
  ): Promise<readonly ProposeReply[]> {
    this.#mustBeUp();
    return super.proposeMany(target, requests);
  }

  override async rangeMany(
    target: ReplicaTarget,
    calls: readonly RangeCall[],
  ): Promise<readonly (RangeReply | AskAlone)[]> {
    this.#mustBeUp();
    return super.rangeMany(target, calls);
  }

  override async query(target: ReplicaTarget, call: ReadCall): Promise<QueryReply> {
    this.#mustBeUp();
    return super.query(target, call);
  }

  override async watch(target: ReplicaTarget, call: WatchCall): Promise<WatchReply> {
    this.#mustBeUp();
    return super.watch(target, call);
  }

  override async status(target: ReplicaTarget): Promise<StatusReply | Unavailable> {
    this.#mustBeUp();
    return super.status(target);
  }

  override async deliver(target: ReplicaTarget, envelope: PeerEnvelope): Promise<PeerAnswer> {
    this.#mustBeUp();
    return super.deliver(target, envelope);
  }

  override async readIndex(target: ReplicaTarget, address: PeerAddress): Promise<ReadIndexAnswer> {
    this.#mustBeUp();
    return super.readIndex(target, address);
  }

  override async pull(target: ReplicaTarget, request: PullRequest): Promise<PullAnswer> {
    this.#mustBeUp();
    return super.pull(target, request);
  }

  /** A dead machine's alarms are overdue when it comes back. */
  override async alarm(): Promise<void> {
    if (!faults.isDown(this.#name)) return super.alarm();
    await this.ctx.storage.setAlarm(Date.now() + DOWN_RETRY_MS);
  }

  /** Loses everything that is not in the database. The call itself fails, with all that are under way. */
  async loseMemory(): Promise<void> {
    this.ctx.abort("test: memory lost");
  }

  /** Loses its database too. */
  async loseEverything(): Promise<void> {
    await this.ctx.storage.deleteAll();
    this.ctx.abort("test: database lost");
  }

  async alarmAt(): Promise<number | null> {
    return this.ctx.storage.getAlarm();
  }

  protected override now(): number {
    return faults.clockMs(this.#name, super.now());
  }

  protected override get memoryTimer(): MemoryTimer | null {
    return this.env["TEST_ALARMS_ONLY"] === "true" ? null : super.memoryTimer;
  }

  protected override wrapSender(inner: PeerSender, self: ReplicaTarget, roster: Roster): PeerSender {
    const lossMs = Number(this.env["ELECTION_MS"] ?? 0);
    return new FaultySender({ inner, self: self.member, roster, faults, ledger, lossMs });
  }

  get #name(): string {
    return (this.ctx.id.name ?? "").split("/")[1] ?? "";
  }

  #mustBeUp(): void {
    if (faults.isDown(this.#name)) throw new Error(`test: ${this.#name} is down`);
  }
}

function replicaStub(env: Env, member: string): DurableObjectStub<Replica> {
  // The tests bind the class above under this name.
  const namespace = env["REPLICA"] as DurableObjectNamespace<Replica>;
  return namespace.getByName(replicaObjectName({ cluster: CLUSTER, member }));
}

async function control(path: string, body: unknown, env: Env): Promise<Response> {
  switch (path) {
    case "/_control/faults": {
      // Sent by this project's own test client.
      const rules = body as FaultRules;
      faults.apply(rules, Date.now());
      await Promise.all(rules.down.map((member) => abort(env, member)));
      return Response.json({});
    }
    case "/_control/abort":
      await Promise.all((body as readonly string[]).map((member) => abort(env, member)));
      return Response.json({});
    case "/_control/wipe":
      await Promise.all(
        (body as readonly string[]).map((member) =>
          replicaStub(env, member)
            .loseEverything()
            .catch(() => undefined),
        ),
      );
      return Response.json({});
    case "/_control/ledger":
      return Response.json(ledger.report());
    case "/_control/forget":
      // The gateway is kept by environment: another object of the same contents makes a new one.
      gatewayEnv = { ...env };
      return Response.json({});
    case "/_control/rest": {
      const members = body as readonly string[];
      const alarms = await Promise.all(members.map((member) => replicaStub(env, member).alarmAt()));
      return Response.json({ calls: faults.calls, alarms: alarms.filter((at) => at !== null).length });
    }
    case "/_control/starts":
      return Response.json(Object.fromEntries(starts));
    default:
      return new Response("no such control", { status: 404 });
  }
}

async function abort(env: Env, member: string): Promise<void> {
  await replicaStub(env, member)
    .loseMemory()
    .catch(() => undefined);
}

export default {
  async fetch(request: Request, env: Env, context: ExecutionContext): Promise<Response> {
    const { pathname } = new URL(request.url);
    if (!pathname.startsWith("/_control/")) return worker.fetch(request, gatewayEnv ?? env, context);
    return control(pathname, await request.json(), env);
  },
};
