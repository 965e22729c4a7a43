/** Calls from the gateway to replicas, over Durable Object RPC. */
import { defined } from "../base/assert.ts";
import type { Config, Env } from "../durable/config.ts";
import type { ReplicaApi, ReplicaTarget, Unavailable } from "../engine/replica-api.ts";
import { type MemberPlace, targetOf } from "../engine/replica-api.ts";
import { withDeadline } from "../transport/deadline.ts";
import { replicaObjectName } from "../transport/object-name.ts";
import { classifyPlatformError, type PlatformFailure } from "../transport/platform-errors.ts";
import { ReplicaCalls, type ReplicaStub } from "../transport/replica-calls.ts";
import type { ReplicaClient, ReplicaDirectory } from "./ports.ts";
import { replicaTimeoutMs } from "./replica-timeout.ts";
import type { CallWays } from "./session/gathering.ts";

/** The part of a Durable Object namespace that is used here. */
export interface ReplicaNamespace {
  getByName(name: string, options: { readonly locationHint: string }): ReplicaStub;
}

/** Replicas whose clients are kept. */
const CLIENTS_MAX = 1_000;

interface KnownClient {
  /** For which it was made. */
  readonly place: MemberPlace | undefined;
  readonly client: ReplicaClient;
}

function unavailable(failure: PlatformFailure, target: ReplicaTarget, write: boolean): Unavailable {
  const reason =
    failure.cause === "deadline" ? "timeout" : failure.cause === "overloaded" ? "overloaded" : "no-leader";
  return {
    kind: "unavailable",
    reason,
    message: `replica ${target.member} cannot be reached (${failure.cause}: ${failure.message})`,
    unknownOutcome: write && failure.mayHaveRun,
    header: null,
  };
}

/** The outcome of `call`, which ends in time; its failure as an answer. */
async function settled<T>(
  target: ReplicaTarget,
  write: boolean,
  call: () => Promise<T>,
): Promise<T | Unavailable> {
  try {
    return await call();
  } catch (error) {
    return unavailable(classifyPlatformError(error), target, write);
  }
}

/**
 * A client for one replica. `connect` makes a stub; it is called for every call, since a stub stays
 * broken after its object was reset, and a new one costs nothing. `ways` may let calls share one.
 */
export function createReplicaClient(
  connect: () => ReplicaApi,
  target: ReplicaTarget,
  ways: CallWays | null = null,
): ReplicaClient {
  const gathered = ways?.to(target, connect) ?? null;
  return {
    propose: (request) =>
      gathered !== null
        ? settled(target, true, () => gathered.propose(request))
        : settled(target, true, () =>
            withDeadline(connect().propose(target, inTime(request)), request.timeoutMs),
          ),
    range: (call) =>
      gathered !== null
        ? settled(target, false, () => gathered.range(call))
        : settled(target, false, () => withDeadline(connect().range(target, inTime(call)), call.timeoutMs)),
    readTxn: (call) =>
      settled(target, false, () => withDeadline(connect().readTxn(target, inTime(call)), call.timeoutMs)),
    query: (call) =>
      settled(target, false, () => withDeadline(connect().query(target, inTime(call)), call.timeoutMs)),
    watch: (call) =>
      settled(target, false, () =>
        withDeadline(connect().watch(target, inTime(call)), call.timeoutMs + call.waitMs),
      ),
    status: (timeoutMs) => settled(target, false, () => withDeadline(connect().status(target), timeoutMs)),
  };
}

/** A call as the replica is told it. */
function inTime<Call extends { readonly timeoutMs: number }>(call: Call): Call {
  return { ...call, timeoutMs: replicaTimeoutMs(call.timeoutMs) };
}

/** The replicas behind the bindings of `env`, as `config` names them, or wherever they are on record. */
export function createReplicaDirectory(
  env: Env,
  config: Config,
  ways: CallWays | null = null,
): ReplicaDirectory {
  const known = new Map<string, KnownClient>();
  return (cluster, member, place) => {
    const name = `${cluster}/${member}`;
    const before = known.get(name);
    if (before !== undefined && before.place === place) return before.client;
    const target = place === undefined ? { cluster, member } : targetOf(cluster, place);
    const { binding, hint } = whereIs(config, member, place);
    const connect = (): ReplicaApi => {
      // The configuration was checked; a member on record may be behind a binding of another deployment.
      const namespace = defined(
        env[binding] as ReplicaNamespace | undefined,
        `there is no binding ${binding}`,
      );
      return new ReplicaCalls(namespace.getByName(replicaObjectName(target), { locationHint: hint }));
    };
    const client = createReplicaClient(ways?.counted(connect) ?? connect, target, ways);
    // Forgotten all at once: they are soon made again.
    if (known.size >= CLIENTS_MAX) known.clear();
    known.set(name, { place, client });
    return client;
  };
}

function whereIs(
  config: Config,
  member: string,
  place: MemberPlace | undefined,
): { readonly binding: string; readonly hint: string } {
  const configured = config.members.find(({ name }) => name === member);
  if (place !== undefined && !(place.isFounder && configured !== undefined)) return place;
  return defined(configured, `no member is called ${member}`);
}
