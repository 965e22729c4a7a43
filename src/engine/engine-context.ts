/** What the parts of an engine share. Owned and implemented by the engine alone. */
import type { Raft } from "../raft/raft.ts";
import type { MachineHost } from "./machine-host.ts";
import type { Peers } from "./peers.ts";
import type { PeerSender, ReplicaStorage } from "./ports.ts";
import type { ReplicaHeader } from "./replica-api.ts";
import type { Roster } from "./roster.ts";

export interface EngineContext {
  readonly raft: Raft;
  readonly machine: MachineHost;
  readonly storage: ReplicaStorage;
  readonly peers: Peers;
  readonly sender: PeerSender;
  /** Who the members are. */
  readonly roster: Roster;
  /** The latest time the engine was told. */
  readonly now: number;
  /** Why this instance serves nothing; null while it is well. */
  readonly stopped: string | null;
  header(): ReplicaHeader;
  /**
   * Runs one turn: `input` goes to the core, what has to be durable of what follows becomes so in one
   * transaction together with `inside`, then messages and answers leave. Turns do not nest.
   */
  turn(now: number, input: () => void, inside?: () => void): void;
  /** An answer to give when the writes of the turn are done. */
  afterTurn(answer: () => void): void;
  /** The same for an answer that no turn is needed for: at once, or behind the turn under way. */
  answerAt(now: number, answer: () => void): void;
}
