/** What replicas ask of each other, as plain data. Nothing here is for clients. */
import type { MvccState } from "../mvcc/mvcc-state.ts";
import type { SnapshotChunk, SnapshotCursor } from "../mvcc/snapshot-types.ts";
import type { Message } from "../raft/message.ts";
import type { NodeId } from "../raft/types.ts";
import type { MemberPlace } from "./replica-api.ts";

/** Who speaks to whom, checked before anything else is read. */
export interface PeerAddress {
  readonly clusterId: string;
  readonly from: NodeId;
  readonly to: NodeId;
  readonly fromIncarnation: string;
  /** The incarnation `from` knows `to` by; null before they have met. */
  readonly toIncarnation: string | null;
  /** Where `from` is, if it is none of the first members: one that was just added has no other way to know. */
  readonly origin?: MemberPlace;
}

export interface PeerEnvelope {
  readonly address: PeerAddress;
  readonly messages: readonly Message[];
}

export type RefusalReason =
  | "wrong-cluster" // founded by another list of members
  | "wrong-member" // the call was meant for somebody else
  | "sender-wiped" // the caller lost its database: its id has forgotten its votes
  | "receiver-wiped" // the same of the one called
  | "stopped";

/** What a former member knows of those who go on without it. */
export interface Successors {
  /** Of the membership that `members` are. */
  readonly version: number;
  readonly members: readonly MemberPlace[];
}

export type PeerRefusal =
  | { readonly kind: "refused"; readonly reason: RefusalReason }
  /** The caller is not a member any more, and never will be again. */
  | { readonly kind: "refused"; readonly reason: "removed"; readonly successors: Successors };

/** Messages back to the caller, produced by handling its own; durable when they arrive. */
export interface PeerMessages {
  readonly kind: "messages";
  readonly incarnation: string;
  readonly messages: readonly Message[];
}

export type PeerAnswer = PeerMessages | PeerRefusal;

/** A follower asks its leader how far it must have applied before it may answer a linearizable read. */
export type ReadIndexAnswer =
  | { readonly kind: "index"; readonly index: number }
  | { readonly kind: "not-leader" }
  | PeerRefusal;

/** A follower pulls the next rows of the snapshot it was offered. */
export interface PullRequest {
  readonly address: PeerAddress;
  readonly session: string;
  readonly cursor: SnapshotCursor;
}

export type PullAnswer =
  | { readonly kind: "chunk"; readonly chunk: SnapshotChunk; readonly state: MvccState }
  /** The session is over: wait for another offer. */
  | { readonly kind: "no-session" }
  | PeerRefusal;
