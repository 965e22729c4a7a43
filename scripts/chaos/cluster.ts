/** The running cluster as the chaos runner handles it. */

export interface Member {
  readonly name: string;
  /** Base address of the gateway in this member's process, without a slash at the end. */
  readonly url: string;
}

/** Which peers a member cannot send to: from its name to theirs. Absent members reach everybody. */
export type Cuts = ReadonlyMap<string, readonly string[]>;

/** Cuts connections between members while their processes go on running. */
export interface NetworkSwitch {
  /** Replaces all cuts by these; an empty map heals. */
  apply(cuts: Cuts): Promise<void>;
}

export interface Cluster {
  readonly members: readonly Member[];
  /** null where connections cannot be cut without stopping a process. */
  readonly network: NetworkSwitch | null;
  /** Ends the member's processes at once, without warning (SIGKILL). */
  kill(name: string): Promise<void>;
  /** Starts killed members again on their data; resolves when all say that they are ready. */
  restart(names: readonly string[]): Promise<void>;
  /** Stops the member's processes in the middle of whatever they do (SIGSTOP). */
  pause(name: string): Promise<void>;
  /** Lets a paused member go on as if nothing had happened (SIGCONT). */
  resume(name: string): Promise<void>;
  /** Ends everything. May be called in any state and more than once. */
  stop(): Promise<void>;
}
