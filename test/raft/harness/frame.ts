/** What travels between hosts: the core's messages, and the pulling of snapshots, which is the hosts' business. */
import type { Message } from "../../../src/raft/message.ts";
import type { NodeId } from "../../../src/raft/types.ts";
import type { SnapshotContent } from "./disk.ts";

/** A follower asks for the content of a session it was offered. */
export interface PullRequest {
  readonly kind: "pull";
  readonly session: string;
}

/** The content of a session; null when the session is gone. */
export interface PullResponse {
  readonly kind: "pulled";
  readonly session: string;
  readonly snapshot: SnapshotContent | null;
}

export type Body = Message | PullRequest | PullResponse;

export interface Frame {
  readonly from: NodeId;
  readonly to: NodeId;
  readonly body: Body;
}
