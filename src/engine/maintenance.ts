/** What a replica does for the group's upkeep besides its clients' requests. */
import type { NodeId } from "../raft/types.ts";
import { AutoCompaction, type AutoCompactionSetting } from "./auto-compaction.ts";
import { BackupSource } from "./backup-source.ts";
import type { EngineContext } from "./engine-context.ts";
import { LeadershipTransfer } from "./leadership-transfer.ts";
import type { Proposals } from "./proposals.ts";
import { Quota } from "./quota.ts";

export interface MaintenanceOptions {
  /** Size of the database above which the leader raises the alarm NOSPACE. */
  readonly quotaBytes: number;
  readonly autoCompaction: AutoCompactionSetting;
}

export class Maintenance {
  readonly #context: EngineContext;
  readonly #quota: Quota;
  readonly #compaction: AutoCompaction;
  readonly transfer: LeadershipTransfer;
  readonly backups: BackupSource;
  #leader: NodeId | null = null;
  #leaderChanges = 0;

  constructor(
    context: EngineContext,
    proposals: Proposals,
    { quotaBytes, autoCompaction }: MaintenanceOptions,
  ) {
    this.#context = context;
    this.#quota = new Quota(context, proposals, quotaBytes);
    this.#compaction = new AutoCompaction(context, proposals, autoCompaction);
    this.backups = new BackupSource(context);
    this.transfer = new LeadershipTransfer(context);
  }

  /** Times that another leader was seen since this instance began. */
  get leaderChanges(): number {
    return this.#leaderChanges;
  }

  /** Called in every turn, when its entries were applied. */
  check(now: number): void {
    const { leader } = this.#context.raft.core;
    if (leader !== null && leader !== this.#leader) {
      this.#leader = leader;
      this.#leaderChanges += 1;
    }
    this.transfer.check(now);
    this.backups.expire(now);
    this.#quota.check(now);
    this.#compaction.check(now);
  }

  deadline(): number | null {
    const all = [this.transfer.deadline(), this.#compaction.deadline(), this.backups.deadline()];
    const due = all.filter((at) => at !== null);
    return due.length === 0 ? null : Math.min(...due);
  }
}
