/** What the gateway needs from outside. Tests give fakes. */
import type {
  MemberPlace,
  ProposeReply,
  ProposeRequest,
  QueryReply,
  RangeCall,
  RangeReply,
  ReadCall,
  ReadTxnReply,
  StatusReply,
  Unavailable,
  WatchCall,
  WatchReply,
} from "../engine/replica-api.ts";

export interface Clock {
  /** Milliseconds of some steady clock. */
  nowMs(): number;
  sleep(durationMs: number): Promise<void>;
}

export interface Entropy {
  /** A fraction in [0, 1), for spreading and jitter. */
  fraction(): number;
  /** Unpredictable bytes, for operation ids. */
  bytes(length: number): Uint8Array;
}

/**
 * One replica. Calls never throw and always end: after `timeoutMs` at the latest, as `unavailable`
 * (a watch: after `timeoutMs` and `waitMs`).
 */
export interface ReplicaClient {
  propose(request: ProposeRequest): Promise<ProposeReply>;
  range(call: RangeCall): Promise<RangeReply>;
  readTxn(call: ReadCall): Promise<ReadTxnReply>;
  query(call: ReadCall): Promise<QueryReply>;
  watch(call: WatchCall): Promise<WatchReply>;
  status(timeoutMs: number): Promise<StatusReply | Unavailable>;
}

/**
 * The replica of a member in a cluster. Cheap: asked anew for every call. `place` says where a member
 * is that is on record; without it, it is one of the configured ones.
 */
export type ReplicaDirectory = (cluster: string, member: string, place?: MemberPlace) => ReplicaClient;
