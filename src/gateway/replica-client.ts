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

/** The outcome of `call`, which ends in time. */
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

function guarded<T>(
  target: ReplicaTarget,
  timeoutMs: number,
  write: boolean,
  call: () => Promise<T>,
): Promise<T | Unavailable> {
  return settled(target, write, () => withDeadline(call(), timeoutMs));
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
        : guarded(target, request.timeoutMs, true, () =>
            connect().propose(target, { ...request, timeoutMs: replicaTimeoutMs(request.timeoutMs) }),
          ),
    range: (call) =>
      gathered !== null
        ? settled(target, false, () => gathered.range(call))
        : guarded(target, call.timeoutMs, false, () =>
            connect().range(target, { ...call, timeoutMs: replicaTimeoutMs(call.timeoutMs) }),
          ),
    readTxn: (call) =>
      guarded(target, call.timeoutMs, false, () =>
        connect().readTxn(target, { ...call, timeoutMs: replicaTimeoutMs(call.timeoutMs) }),
      ),
    query: (call) =>
      guarded(target, call.timeoutMs, false, () =>
        connect().query(target, { ...call, timeoutMs: replicaTimeoutMs(call.timeoutMs) }),
      ),
    watch: (call) =>
      guarded(target, call.timeoutMs + call.waitMs, false, () =>
        connect().watch(target, { ...call, timeoutMs: replicaTimeoutMs(call.timeoutMs) }),
      ),
    status: (timeoutMs) => guarded(target, timeoutMs, false, () => connect().status(target)),
  };
}

/** The replicas behind the bindings of `env`, as `config` names them, or wherever they are on record. */
export function createReplicaDirectory(
  env: Env,
  config: Config,
  ways: CallWays | null = null,
): ReplicaDirectory {
  return (cluster, member, place) => {
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
    return createReplicaClient(ways?.counted(connect) ?? connect, target, ways);
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
