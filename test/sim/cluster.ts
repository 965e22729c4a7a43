/** The objects of one cluster, their calls to each other, and the invariants that watch them. */

import { fromBinary } from "@bufbuild/protobuf";
import { assert, defined } from "../../src/base/assert.ts";
import { toHex } from "../../src/base/bytes.ts";
import type { Config } from "../../src/durable/config.ts";
import type { ReplicaTarget } from "../../src/engine/replica-api.ts";
import { allMembers } from "../../src/raft/configuration.ts";
import type { NodeId } from "../../src/raft/types.ts";
import { replicaObjectName } from "../../src/transport/object-name.ts";
import type { PeerStub } from "../../src/transport/peer-sender.ts";
import { CommandSchema } from "../../src/wire/gen/edged_pb.ts";
import { allInvariants } from "../raft/invariants/all.ts";
import { Checker } from "../raft/invariants/checker.ts";
import type { Invariant } from "../raft/invariants/observation.ts";
import type { Departure, NodeView } from "../raft/invariants/view.ts";
import { violated } from "../raft/invariants/violation.ts";
import type { MirrorChange } from "./disk/durable-mirror.ts";
import { VERSION_BYTES } from "./disk/sim-disk.ts";
import type { FaultPlan } from "./faults/fault-plan.ts";
import { fencedRead } from "./invariants/fenced-reads.ts";
import { CoreView } from "./invariants/live-view.ts";
import { Mark } from "./invariants/mark.ts";
import { OneCreator } from "./invariants/one-creator.ts";
import { SessionKeepsLog } from "./invariants/session-keeps-log.ts";
import { checkSupersededCommit } from "./invariants/superseded-commit.ts";
import { checkWipedSilent } from "./invariants/wiped-silent.ts";
import { Departures } from "./network/departures.ts";
import { Links } from "./network/links.ts";
import { type Caller, Network } from "./network/network.ts";
import type { RunOptions } from "./options.ts";
import { hostOf, type Instance } from "./platform/instance.ts";
import { SimObject } from "./platform/sim-object.ts";
import type { Site } from "./platform/site.ts";
import type { World } from "./world/world.ts";

export const CLUSTER = "default";

/** Links of gateways begin here; below are objects, in the order in which they were made. */
export const FIRST_GATEWAY = 32;

/** What became durable in a step. */
export interface DurableChange {
  readonly object: SimObject;
  readonly change: MirrorChange;
}

export class Cluster {
  readonly #objects: SimObject[];
  readonly #byId = new Map<NodeId, SimObject>();
  readonly #newObject: (target: ReplicaTarget) => SimObject;
  readonly links: Links;
  readonly network: Network;
  readonly departures = new Departures();
  readonly #sessions = new SessionKeepsLog();
  /** Left, and not yet seen by the invariants. */
  #departed: Departure[] = [];
  /** Operations (hex ids) one of whose calls was handled twice: "not applied" was said of one of the two. */
  readonly repeated = new Set<string>();
  readonly config: Config;
  readonly checker = new Checker(simInvariants());
  /** Called after the checks of each step. */
  onStep: (durable: readonly DurableChange[]) => void = () => undefined;
  /** Commands that any client knew to be applied before a moment. */
  floorBefore: (atMs: number) => number = () => 0;
  #durable: DurableChange[] = [];
  readonly #world: World;
  /** The objects as they were last checked. */
  readonly #marks: Mark[] = [];
  readonly #views = new Map<NodeId, { core: object; view: CoreView }>();

  constructor(world: World, options: RunOptions, faults: FaultPlan, site: Site | null = null) {
    this.#world = world;
    this.config = configOf(options);
    this.links = new Links(options, faults, site);
    this.network = new Network({ world, links: this.links, faults });
    this.#objects = [];
    this.#newObject = (target) =>
      new SimObject({
        world,
        options,
        faults,
        site,
        config: this.config,
        target,
        index: this.#objects.length,
        connect: (from, instance, called) => this.#connect(from, instance, called),
        changed: (object) => this.#changed(object),
        ranSuperseded: (instance) => this.#ranSuperseded(instance),
        durable: (object, change) => this.#durable.push({ object, change }),
      });
    for (const { name } of this.config.members) this.#make({ cluster: CLUSTER, member: name });
  }

  /** Every object there has ever been: former members too. */
  get objects(): readonly SimObject[] {
    return this.#objects;
  }

  /** Those that may be called, by the numbers of their links. */
  endpoints(gateways: number): readonly number[] {
    const ofGateways = Array.from({ length: gateways }, (_, i) => FIRST_GATEWAY + i);
    return [...this.#objects.map(({ index }) => index), ...ofGateways];
  }

  /** The platform makes an object when it is called for the first time. */
  object(target: ReplicaTarget): SimObject {
    const name = replicaObjectName(target);
    const known = this.#objects.find((object) => replicaObjectName(object.target) === name);
    if (known !== undefined) return known;
    assert(target.id !== undefined, `no object is called ${name}`);
    assert(this.#objects.length < FIRST_GATEWAY, "too many objects for the numbers of links");
    return this.#make(target);
  }

  #make(target: ReplicaTarget): SimObject {
    const made = this.#newObject(target);
    this.#objects.push(made);
    assert(!this.#byId.has(made.nodeId), "two objects have one id");
    this.#byId.set(made.nodeId, made);
    this.#marks.push(new Mark());
    return made;
  }

  /** The members in the newest committed configuration, joined or not. */
  members(): readonly SimObject[] {
    const { core } = this.objects.reduce<{ core: SimObject["core"] }>(
      (best, object) =>
        object.core !== null && object.core.log.commit > (best.core?.log.commit ?? -1) ? object : best,
      { core: null },
    );
    if (core === null) return this.objects;
    const members = allMembers(core.configurations.at(core.log.commit).configuration);
    return this.objects.filter(({ nodeId }) => members.includes(nodeId));
  }

  noteRepeated(command: Uint8Array): void {
    this.repeated.add(toHex(fromBinary(CommandSchema, command).opId));
  }

  close(): void {
    for (const object of this.objects) object.close();
  }

  #connect(from: SimObject, instance: Instance, target: ReplicaTarget): PeerStub {
    const to = this.object(target);
    const caller: Caller = {
      actor: instance,
      endpoint: from.index,
      gated: (leave) => from.disk.whenDurable(from.gate(instance), leave),
      busyForMs: () => from.busyForMs,
    };
    const { network, departures } = this;
    const quiet = { departs: () => undefined, answers: () => undefined, to };
    return {
      deliver: (_target, envelope) =>
        network.call(caller, {
          what: "deliver",
          to,
          handle: async (there) => hostOf(there).deliver(target, envelope),
          departs: () => {
            departures.sent(envelope);
            this.#sessions.sent(envelope);
          },
          answers: (answer) => {
            departures.answered(envelope, answer);
            this.#sessions.answered(answer);
          },
        }),
      readIndex: (_target, address) =>
        network.call(caller, {
          ...quiet,
          what: "readIndex",
          handle: (there) =>
            fencedRead({
              world: this.#world,
              to,
              there,
              answer: () => hostOf(there).readIndex(target, address),
              tells: ({ kind }) => kind === "index",
            }),
        }),
      pull: (_target, request) =>
        network.call(caller, {
          ...quiet,
          what: "pull",
          handle: async (there) => {
            const answer = hostOf(there).pull(target, request);
            const problem = this.#sessions.problem(to, there, request, answer);
            if (problem !== null) this.#world.fail(problem);
            return answer;
          },
        }),
      propose: (_target, request) =>
        network.call(caller, {
          ...quiet,
          what: "forward",
          repeated: () => this.noteRepeated(request.command),
          handle: (there) => hostOf(there).propose(target, request),
        }),
    };
  }

  #changed(object: SimObject): void {
    this.#collectDepartures();
    if (object.wiped) return;
    const departures = this.#departed;
    this.#departed = [];
    this.#note(object);
    for (const { change } of this.#durable) this.#noteCommitted(object, change);
    this.checker.check({
      node: (id) => this.#view(id),
      touched: this.#hasChanged(object) ? [object.nodeId] : [],
      departures,
      reads: [],
      writes: [],
    });
    const durable = this.#durable;
    this.#durable = [];
    this.onStep(durable);
  }

  /** Heartbeats change nothing that any invariant of one node looks at: most steps are cheap. */
  #hasChanged(object: SimObject): boolean {
    return defined(this.#marks[object.index], "every object has a mark").update(object);
  }

  /**
   * What has left, without the words of a replica that lost its database: it must not promise
   * anything. Kept for the next step that is checked: a wiped replica's own steps are not.
   */
  #collectDepartures(): void {
    if (this.departures.isEmpty) return;
    const departures = this.departures.take();
    const wiped = this.objects.find((object) => object.wiped);
    if (wiped !== undefined) checkWipedSilent(wiped.nodeId, departures);
    this.#departed.push(...departures.filter(({ from }) => from !== wiped?.nodeId));
  }

  #ranSuperseded(instance: Instance): void {
    const core = instance.host?.engine?.raft.core;
    if (core === undefined) return;
    checkSupersededCommit(core, (id) => this.#view(id).durable, this.checker.history);
  }

  /**
   * What became committed and was compacted in one transaction is in no log any more when the
   * invariants look: it is noted from what the transaction had.
   */
  #noteCommitted(object: SimObject, { committed }: MirrorChange): void {
    for (const entry of committed) {
      if (!this.checker.history.noteCommitted(entry, object.disk.mirror.term)) {
        violated("committed-immutable", `${object.name} committed another entry ${entry.index}`);
      }
    }
  }

  #note(object: SimObject): void {
    const { term, commit, applied, log } = object.disk.mirror;
    const { trace, now } = this.#world;
    const { core } = object;
    trace.note(
      now,
      "state",
      [object.index, term, commit, applied, log.last, core?.term ?? -1, core?.log.last ?? -1],
      () =>
        `${object.name} disk: term ${term} vote ${object.disk.mirror.vote} log ${log.snapshot.index}..${log.last} commit ${commit} applied ${applied}; memory: ${
          core === null
            ? "none"
            : `${core.role} term ${core.term} log ${core.log.first}..${core.log.last} commit ${core.log.commit} applied ${core.applied}`
        }`,
    );
  }

  #view(id: NodeId): NodeView {
    const object = defined(this.#byId.get(id), "every member has an object");
    const core = object.wiped ? null : object.core;
    let known = this.#views.get(id);
    if (core !== null && known?.core !== core) {
      known = { core, view: new CoreView(core) };
      this.#views.set(id, known);
    }
    const live = core === null || known === undefined ? null : known.view;
    return { id, incarnation: object.starts, durable: object.disk.mirror, live };
  }
}

/** Those of test/raft, with the one replaced that superseded instances would break. */
function simInvariants(): Invariant[] {
  return allInvariants().map((invariant) =>
    invariant.name === "single-creator" ? new OneCreator() : invariant,
  );
}

function configOf(options: RunOptions): Config {
  const { quotaVersions, compactAfterMs } = options.upkeep;
  const members = Array.from({ length: options.replicas }, (_, i) => ({
    name: `r${i + 1}`,
    hint: "weur",
    binding: "REPLICA",
  })) satisfies Config["members"];
  return {
    members,
    heartbeatMs: options.heartbeatMs,
    electionMs: options.electionMs,
    quiesceAfterMs: options.quiesceMs,
    snapshotEvery: options.snapshotEvery,
    quotaBytes: quotaVersions === null ? 2 ** 31 : quotaVersions * VERSION_BYTES,
    autoCompaction:
      compactAfterMs === null ? { kind: "off" } : { kind: "periodic", periodMs: compactAfterMs },
    access: { kind: "anonymous" },
    allowClusterCreate: false,
    advertiseClientUrls: [],
    warnings: [],
  };
}
