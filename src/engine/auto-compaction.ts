/**
 * Compaction without being asked, by the leader and through the log: history older than a time, or
 * than a number of revisions. As in etcd a new leader knows no older times, and begins to count.
 * Source: etcd `server/etcdserver/api/v3compactor`.
 */
import { create, toBinary } from "@bufbuild/protobuf";
import { CommandSchema } from "../wire/gen/edged_pb.ts";
import { AlarmType, CompactionRequestSchema } from "../wire/gen/etcd/rpc_pb.ts";
import type { EngineContext } from "./engine-context.ts";
import type { Proposals } from "./proposals.ts";

/** When history is compacted by itself. */
export type AutoCompactionSetting =
  | { readonly kind: "off" }
  /** Keep the newest so many revisions. */
  | { readonly kind: "revisions"; readonly keep: number }
  /** Keep the history of so long. */
  | { readonly kind: "periodic"; readonly periodMs: number };

/** etcd looks this often how many revisions there are. */
const REVISIONS_EVERY_MS = 300_000;
/** Longer periods than this are compacted this often, shorter ones once in each. */
const PERIODIC_EVERY_MS_MAX = 3_600_000;
/** Samples between two compactions. */
const SAMPLES_PER_COMPACTION = 10;
/** Samples held at most; those of very long periods stand further apart. */
const SAMPLES_MAX = 1_000;
const PROPOSE_MS = 10_000;

/** The store's revision at a time. */
interface Sample {
  readonly at: number;
  readonly revision: number;
}

export class AutoCompaction {
  readonly #context: EngineContext;
  readonly #proposals: Proposals;
  readonly #setting: AutoCompactionSetting;
  #samples: Sample[] = [];
  /** When to look next; null while this replica does not lead, or nothing may be compacted. */
  #nextAt: number | null = null;
  #compactAt = 0;
  #isProposing = false;

  constructor(context: EngineContext, proposals: Proposals, setting: AutoCompactionSetting) {
    this.#context = context;
    this.#proposals = proposals;
    this.#setting = setting;
  }

  /** Takes a sample or compacts where it is time to. Called in every turn. */
  check(now: number): void {
    const setting = this.#setting;
    if (setting.kind === "off") return;
    // A refused compaction would be proposed once a period for as long as the alarm lasts.
    if (!this.#context.raft.isLeader || this.#isRefused()) {
      this.#nextAt = null;
      this.#samples = [];
      return;
    }
    if (this.#nextAt === null) this.#compactAt = now + compactEveryMs(setting);
    else if (now < this.#nextAt) return;
    this.#nextAt = now + stepMs(setting);
    const target =
      setting.kind === "revisions" ? this.#byCount(setting.keep) : this.#byTime(now, setting.periodMs);
    if (now < this.#compactAt) return;
    this.#compactAt = now + compactEveryMs(setting);
    if (target > this.#context.machine.state().compactRevision) this.#compact(now, target);
  }

  /** When `check` is due; null while history has not grown since the last one, so that an idle group may sleep. */
  deadline(): number | null {
    const { raft, machine } = this.#context;
    if (this.#setting.kind === "off" || !raft.isLeader || this.#isRefused()) return null;
    const { revision, compactRevision } = machine.state();
    const kept = this.#setting.kind === "revisions" ? this.#setting.keep : 0;
    return revision - kept > Math.max(compactRevision, 1) ? this.#nextAt : null;
  }

  /** Nothing may change while a member is said to be corrupt, or while a backup is being restored. */
  #isRefused(): boolean {
    const { machine } = this.#context;
    return machine.isRestoring || machine.alarms.list(AlarmType.CORRUPT).length > 0;
  }

  #byCount(keep: number): number {
    return this.#context.machine.state().revision - keep;
  }

  /** The newest revision that is known to be older than the period; 0 for none. */
  #byTime(now: number, periodMs: number): number {
    const { revision } = this.#context.machine.state();
    this.#samples.push({ at: now, revision });
    const newestOld = this.#samples.findLastIndex(({ at }) => at <= now - periodMs);
    if (newestOld > 0) this.#samples = this.#samples.slice(newestOld);
    return newestOld < 0 ? 0 : (this.#samples[0]?.revision ?? 0);
  }

  #compact(now: number, revision: number): void {
    if (this.#isProposing || revision < 1) return;
    const value = create(CompactionRequestSchema, { revision: BigInt(revision) });
    const command = create(CommandSchema, { internal: true, request: { case: "compaction", value } });
    this.#isProposing = this.#proposals.add(now, toBinary(CommandSchema, command), now + PROPOSE_MS, () => {
      this.#isProposing = false;
    });
  }
}

type Active = Exclude<AutoCompactionSetting, { readonly kind: "off" }>;

function compactEveryMs(setting: Active): number {
  return setting.kind === "revisions"
    ? REVISIONS_EVERY_MS
    : Math.min(setting.periodMs, PERIODIC_EVERY_MS_MAX);
}

function stepMs(setting: Active): number {
  if (setting.kind === "revisions") return REVISIONS_EVERY_MS;
  return Math.max(compactEveryMs(setting) / SAMPLES_PER_COMPACTION, setting.periodMs / SAMPLES_MAX);
}
