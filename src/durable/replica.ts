/** One replica as a Durable Object: a shell that forwards calls and alarms to its host. No logic. */
import { DurableObject } from "cloudflare:workers";
import type {
  PeerAddress,
  PeerAnswer,
  PeerEnvelope,
  PullAnswer,
  PullRequest,
  ReadIndexAnswer,
} from "../engine/peer-api.ts";
import type { PeerSender } from "../engine/ports.ts";
import type {
  AskAlone,
  MemberPlace,
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
} from "../engine/replica-api.ts";
import { unavailable } from "../engine/replies.ts";
import type { Roster } from "../engine/roster.ts";
import { DurableSql } from "../storage/durable-sql.ts";
import {
  type FlatPropose,
  type FlatProposeReply,
  type FlatRange,
  type FlatRangeReply,
  packProposeReply,
  packRangeReply,
  targetOfFlat,
  unpackPropose,
  unpackRange,
} from "../transport/flat-calls.ts";
import { replicaObjectName } from "../transport/object-name.ts";
import { type PeerApi, type PeerStub, peerCalls } from "../transport/peer-sender.ts";
import type { ReplicaStub } from "../transport/replica-calls.ts";
import { type Config, type Env, parseConfig } from "./config.ts";
import { ReplicaHost } from "./replica-host.ts";
import type { MemoryTimer } from "./timers.ts";

/** The part of a Durable Object namespace that a replica uses to reach another one. */
interface PeerNamespace {
  getByName(name: string, options: { readonly locationHint: string }): PeerApi & ReplicaStub;
}

export class Replica extends DurableObject<Env> implements ReplicaStub, PeerApi {
  /** Made by the first event: a new object must not write before it is told who it is. */
  #host: ReplicaHost | null = null;

  async proposeFlat(...call: FlatPropose): Promise<FlatProposeReply> {
    const reply = this.#open()?.propose(targetOfFlat(call), unpackPropose(call));
    return packProposeReply((await reply) ?? misconfigured());
  }

  async rangeFlat(...call: FlatRange): Promise<FlatRangeReply> {
    const reply = this.#open()?.range(targetOfFlat(call), unpackRange(call));
    return packRangeReply((await reply) ?? misconfigured());
  }

  async proposeMany(
    target: ReplicaTarget,
    requests: readonly ProposeRequest[],
  ): Promise<readonly ProposeReply[]> {
    return this.#open()?.proposeMany(target, requests) ?? requests.map(misconfigured);
  }

  async rangeMany(
    target: ReplicaTarget,
    calls: readonly RangeCall[],
  ): Promise<readonly (RangeReply | AskAlone)[]> {
    return this.#open()?.rangeMany(target, calls) ?? calls.map(misconfigured);
  }

  async readTxn(target: ReplicaTarget, call: ReadCall): Promise<ReadTxnReply> {
    return this.#open()?.readTxn(target, call) ?? misconfigured();
  }

  async query(target: ReplicaTarget, call: ReadCall): Promise<QueryReply> {
    return this.#open()?.query(target, call) ?? misconfigured();
  }

  async watch(target: ReplicaTarget, call: WatchCall): Promise<WatchReply> {
    return this.#open()?.watch(target, call) ?? misconfigured();
  }

  async status(target: ReplicaTarget): Promise<StatusReply | Unavailable> {
    return this.#open()?.status(target) ?? misconfigured();
  }

  async deliver(target: ReplicaTarget, envelope: PeerEnvelope): Promise<PeerAnswer> {
    return this.#open()?.deliver(target, envelope) ?? { kind: "refused", reason: "stopped" };
  }

  async readIndex(target: ReplicaTarget, address: PeerAddress): Promise<ReadIndexAnswer> {
    return this.#open()?.readIndex(target, address) ?? { kind: "refused", reason: "stopped" };
  }

  async pull(target: ReplicaTarget, request: PullRequest): Promise<PullAnswer> {
    return this.#open()?.pull(target, request) ?? { kind: "refused", reason: "stopped" };
  }

  override async alarm(): Promise<void> {
    try {
      this.#open()?.alarm();
    } catch (error) {
      this.halted(error);
    }
  }

  /** Milliseconds of wall time. */
  protected now(): number {
    return Date.now();
  }

  /** Timers that may fire before the alarm does; null for alarms alone. */
  protected get memoryTimer(): MemoryTimer | null {
    return (delayMs, fire) => {
      const timer = setTimeout(fire, delayMs);
      return () => clearTimeout(timer);
    };
  }

  /** The sender between this replica and its peers. */
  protected wrapSender(sender: PeerSender, _self: ReplicaTarget, _roster: Roster): PeerSender {
    return sender;
  }

  /** Ends this instance; the next event starts another one from the database. */
  protected halted(error: unknown): void {
    console.error("replica halted:", error);
    this.ctx.abort(error instanceof Error ? error.message : String(error));
  }

  /** Null: the configuration is invalid, and the gateway says so. */
  #open(): ReplicaHost | null {
    if (this.#host !== null) return this.#host;
    const config = parseConfig(this.env);
    if (!config.ok) return null;
    this.#host = new ReplicaHost({
      sql: new DurableSql(this.ctx.storage),
      config: config.value,
      connect: (target, place) => connect(this.env, config.value, target, place),
      alarm: {
        set: (atMs) => {
          // If this write fails, so does the turn it belongs to, and the platform resets the object.
          this.ctx.storage.setAlarm(atMs).catch(() => undefined);
        },
        clear: () => {
          this.ctx.storage.deleteAlarm().catch(() => undefined);
        },
      },
      now: () => this.now(),
      uuid: () => crypto.randomUUID(),
      seed: () => crypto.getRandomValues(new Uint32Array(1))[0] ?? 0,
      memoryTimer: this.memoryTimer,
      wrapSender: (sender, self, roster) => this.wrapSender(sender, self, roster),
      halted: (error) => this.halted(error),
    });
    return this.#host;
  }
}

function connect(env: Env, config: Config, target: ReplicaTarget, place: MemberPlace): PeerStub | null {
  // Where the first members are is for the deployment to say; where later ones are is on record.
  const configured = place.isFounder ? config.members.find(({ name }) => name === place.name) : undefined;
  const { hint, binding } = configured ?? place;
  const namespace = env[binding];
  if (typeof namespace !== "object" || namespace === null) return null;
  // What stands behind a member's binding is a namespace of replicas.
  const stub = (namespace as PeerNamespace).getByName(replicaObjectName(target), { locationHint: hint });
  return peerCalls(stub);
}

function misconfigured(): Unavailable {
  return unavailable(
    "stopped",
    "the configuration is invalid; the gateway's answers list the problems",
    null,
  );
}
