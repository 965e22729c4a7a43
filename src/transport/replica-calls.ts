/** The stub of a replica's object with the calls of a replica: some cross flat, and callers need not know. */
import type {
  AskAlone,
  ProposeReply,
  ProposeRequest,
  QueryReply,
  RangeCall,
  RangeReply,
  ReadCall,
  ReadTxnReply,
  ReplicaApi,
  ReplicaTarget,
  StatusReply,
  Unavailable,
  WatchCall,
  WatchReply,
} from "../engine/replica-api.ts";
import {
  type FlatPropose,
  type FlatProposeReply,
  type FlatRange,
  type FlatRangeReply,
  packPropose,
  packRange,
  unpackProposeReply,
  unpackRangeReply,
} from "./flat-calls.ts";
import { releaseResult } from "./rpc-result.ts";

/** What a replica's object exposes to the gateway, and to replicas that forward a write. */
export interface ReplicaStub extends Omit<ReplicaApi, "propose" | "range"> {
  proposeFlat(...call: FlatPropose): Promise<FlatProposeReply>;
  rangeFlat(...call: FlatRange): Promise<FlatRangeReply>;
}

export class ReplicaCalls implements ReplicaApi {
  readonly #stub: ReplicaStub;

  constructor(stub: ReplicaStub) {
    this.#stub = stub;
  }

  async propose(target: ReplicaTarget, request: ProposeRequest): Promise<ProposeReply> {
    return unpackProposeReply(releaseResult(await this.#stub.proposeFlat(...packPropose(target, request))));
  }

  async range(target: ReplicaTarget, call: RangeCall): Promise<RangeReply> {
    return unpackRangeReply(releaseResult(await this.#stub.rangeFlat(...packRange(target, call))));
  }

  proposeMany(target: ReplicaTarget, requests: readonly ProposeRequest[]): Promise<readonly ProposeReply[]> {
    return this.#stub.proposeMany(target, requests);
  }

  rangeMany(target: ReplicaTarget, calls: readonly RangeCall[]): Promise<readonly (RangeReply | AskAlone)[]> {
    return this.#stub.rangeMany(target, calls);
  }

  readTxn(target: ReplicaTarget, call: ReadCall): Promise<ReadTxnReply> {
    return this.#stub.readTxn(target, call);
  }

  query(target: ReplicaTarget, call: ReadCall): Promise<QueryReply> {
    return this.#stub.query(target, call);
  }

  watch(target: ReplicaTarget, call: WatchCall): Promise<WatchReply> {
    return this.#stub.watch(target, call);
  }

  status(target: ReplicaTarget): Promise<StatusReply | Unavailable> {
    return this.#stub.status(target);
  }
}
