/** Calls to other replicas over Durable Object stubs: each bounded in time, failures made plain. */

import type {
  PeerAddress,
  PeerAnswer,
  PeerEnvelope,
  PullAnswer,
  PullRequest,
  ReadIndexAnswer,
} from "../engine/peer-api.ts";
import type { Answered, PeerSender } from "../engine/ports.ts";
import type { ProposeReply, ProposeRequest, ReplicaApi, ReplicaTarget } from "../engine/replica-api.ts";
import { type MemberPlace, targetOf } from "../engine/replica-api.ts";
import type { NodeId } from "../raft/types.ts";
import { withDeadline } from "./deadline.ts";
import { classifyPlatformError } from "./platform-errors.ts";
import { ReplicaCalls, type ReplicaStub } from "./replica-calls.ts";

/** What a replica's object answers to other replicas. */
export interface PeerApi {
  deliver(target: ReplicaTarget, envelope: PeerEnvelope): Promise<PeerAnswer>;
  readIndex(target: ReplicaTarget, address: PeerAddress): Promise<ReadIndexAnswer>;
  pull(target: ReplicaTarget, request: PullRequest): Promise<PullAnswer>;
}

export type PeerStub = PeerApi & Pick<ReplicaApi, "propose">;

/** The calls of a replica to another one over `stub`; they leave in the order they are made. */
export function peerCalls(stub: PeerApi & ReplicaStub): PeerStub {
  const calls = new ReplicaCalls(stub);
  return {
    deliver: (target, envelope) => stub.deliver(target, envelope),
    readIndex: (target, address) => stub.readIndex(target, address),
    pull: (target, request) => stub.pull(target, request),
    propose: (target, request) => calls.propose(target, request),
  };
}

export interface StubSenderParts {
  readonly cluster: string;
  /** Null: nobody is known by this id. */
  readonly placeOf: (id: NodeId) => MemberPlace | null;
  /**
   * A stub for a member's object; null if this deployment has no such binding. Called again after a
   * failure: a broken stub stays broken.
   */
  readonly connect: (target: ReplicaTarget, place: MemberPlace) => PeerStub | null;
  /** Time for one call between replicas. */
  readonly callMs: number;
  readonly now: () => number;
  /** Called after every answer was handled: deadlines may have changed. */
  readonly handled: () => void;
}

export class StubSender implements PeerSender {
  readonly #parts: StubSenderParts;
  /** One stub a peer: calls on one stub arrive in the order they were made. */
  readonly #stubs = new Map<NodeId, PeerStub>();

  constructor(parts: StubSenderParts) {
    this.#parts = parts;
  }

  deliver(envelope: PeerEnvelope, answered: Answered<PeerAnswer>): void {
    const { to } = envelope.address;
    this.#call(to, this.#parts.callMs, (stub, target) => stub.deliver(target, envelope), answered);
  }

  readIndex(address: PeerAddress, answered: Answered<ReadIndexAnswer>): void {
    this.#call(address.to, this.#parts.callMs, (stub, target) => stub.readIndex(target, address), answered);
  }

  pull(request: PullRequest, answered: Answered<PullAnswer>): void {
    const { to } = request.address;
    // A chunk is read from disk and is up to half a megabyte.
    this.#call(to, 4 * this.#parts.callMs, (stub, target) => stub.pull(target, request), answered);
  }

  propose(to: NodeId, request: ProposeRequest, answered: Answered<ProposeReply>): void {
    this.#call(to, request.timeoutMs, (stub, target) => stub.propose(target, request), answered);
  }

  #call<T>(
    to: NodeId,
    timeoutMs: number,
    call: (stub: PeerStub, target: ReplicaTarget) => Promise<T>,
    answered: Answered<T>,
  ): void {
    const { cluster, placeOf, connect, now, handled } = this.#parts;
    // A former member, or one this deployment does not know: nobody is there to answer.
    const place = placeOf(to);
    const target = place === null ? null : targetOf(cluster, place);
    const stub = place === null || target === null ? null : (this.#stubs.get(to) ?? connect(target, place));
    const settle = (answer: T | null): void => {
      answered(now(), answer);
      handled();
    };
    if (stub === null || target === null) {
      queueMicrotask(() => settle(null));
      return;
    }
    this.#stubs.set(to, stub);
    withDeadline(call(stub, target), timeoutMs).then(settle, (error: unknown) => {
      const { cause } = classifyPlatformError(error);
      if (cause !== "deadline" && this.#stubs.get(to) === stub) this.#stubs.delete(to);
      settle(null);
    });
  }
}
