/**
 * What nodes say to each other. Every message is one-way and may be lost, repeated or overtaken;
 * the transport adds from, to and the identities that fence off strangers.
 */
import type { Configuration, Entry, NodeId } from "./types.ts";

/** Would you vote for me in `term`? `term` is one above the asker's own; nothing changes by asking. */
export interface PreVoteRequest {
  readonly kind: "pre-vote";
  readonly term: number;
  readonly lastIndex: number;
  readonly lastTerm: number;
}

/** A real ballot for `term`, which the asker has already entered. */
export interface VoteRequest {
  readonly kind: "vote";
  readonly term: number;
  readonly lastIndex: number;
  readonly lastTerm: number;
  /** Set after TimeoutNow: the leader itself asked for this election, so stickiness does not apply. */
  readonly transfer: boolean;
}

/**
 * Answer to both ballots. A grant of a pre-vote echoes the future term it was asked for; every
 * refusal carries the voter's own term, which the asker adopts when it is higher.
 */
export interface VoteResponse {
  readonly kind: "vote-response";
  readonly term: number;
  readonly preVote: boolean;
  readonly granted: boolean;
}

/**
 * Entries after (`previousIndex`, `previousTerm`), maybe none. Answered by AppendResponse.
 * `round` is the leader's newest read round: any answer at this term confirms it.
 */
export interface AppendRequest {
  readonly kind: "append";
  readonly term: number;
  readonly previousIndex: number;
  readonly previousTerm: number;
  readonly entries: readonly Entry[];
  readonly commit: number;
  readonly round: number;
}

/** The log equals the leader's up to `match`, durably; or the append did not fit and `hint` says where to look. */
export interface AppendResponse {
  readonly kind: "append-response";
  readonly term: number;
  readonly round: number;
  /** Highest index known equal to the leader's log; 0 in a rejection. */
  readonly match: number;
  readonly rejection: AppendRejection | null;
}

export interface AppendRejection {
  /** The `previousIndex` that did not fit: lets the leader drop answers to older appends. */
  readonly previousIndex: number;
  /** The follower's largest index that could still match, and its term there (0, 0: none). */
  readonly hintIndex: number;
  readonly hintTerm: number;
}

/**
 * Keeps followers from campaigning and carries what they may have missed: if the follower's entry
 * at `lastIndex` has `lastTerm`, its whole log up to there is the leader's (log matching, 5.3), so it
 * may commit up to min(`commit`, `lastIndex`) and acknowledges `lastIndex`.
 */
export interface HeartbeatRequest {
  readonly kind: "heartbeat";
  readonly term: number;
  readonly commit: number;
  readonly lastIndex: number;
  readonly lastTerm: number;
  readonly round: number;
}

export interface HeartbeatResponse {
  readonly kind: "heartbeat-response";
  readonly term: number;
  readonly round: number;
  /** `lastIndex` of the request when it matched, else 0. */
  readonly match: number;
}

/**
 * The log the follower needs is gone: pull the state machine's content at (`index`, `snapshotTerm`)
 * from the leader, by `session`. Answered by AppendResponse with match >= `index` when installed.
 */
export interface SnapshotOffer {
  readonly kind: "snapshot";
  readonly term: number;
  readonly index: number;
  readonly snapshotTerm: number;
  readonly configuration: Configuration;
  readonly configurationIndex: number;
  /** Names the leader's open session for the host that pulls. */
  readonly session: string;
  readonly round: number;
}

/** The leader hands over: campaign at once, in a new term, without a pre-vote. */
export interface TimeoutNow {
  readonly kind: "timeout-now";
  readonly term: number;
}

/**
 * The leader proposes to sleep: nobody will hear of it until somebody wants something. Accepted only
 * by a node whose log ends at (`index`, `indexTerm`); all of it is committed.
 */
export interface QuiesceRequest {
  readonly kind: "quiesce";
  readonly term: number;
  readonly index: number;
  readonly indexTerm: number;
  readonly round: number;
}

export interface QuiesceResponse {
  readonly kind: "quiesce-response";
  readonly term: number;
  readonly round: number;
  /** `index` of the request when the node went to sleep, else 0. */
  readonly match: number;
}

/** Somebody was woken by a client. A leader answers with a heartbeat. */
export interface WakeRequest {
  readonly kind: "wake";
  readonly term: number;
}

export type Message =
  | PreVoteRequest
  | VoteRequest
  | VoteResponse
  | AppendRequest
  | AppendResponse
  | HeartbeatRequest
  | HeartbeatResponse
  | SnapshotOffer
  | TimeoutNow
  | QuiesceRequest
  | QuiesceResponse
  | WakeRequest;

/** A message and the node it goes to. */
export interface Outgoing {
  readonly to: NodeId;
  readonly message: Message;
}
