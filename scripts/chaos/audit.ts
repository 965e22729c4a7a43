/**
 * After the storm: reads the whole past of the run back, through every replica, and adds what it saw to
 * the history, so that the judges decide. A read "at revision r" tells what the store holds to be the
 * state then; an acknowledged write must be there, and a revision nobody claimed shows its author.
 */
import { setTimeout as sleep } from "node:timers/promises";
import {
  type Action,
  type Operation,
  type Outcome,
  writtenValue,
} from "../../test/linearizability/operation.ts";
import type { Member } from "./cluster.ts";
import { KvConnection, type KvRequest } from "./kv-connection.ts";
import type { Recorder } from "./recorder.ts";

export interface AuditOptions {
  readonly prefix: string;
  readonly timeoutMs: number;
  /** How long the healed cluster may take until it serves again. */
  readonly recoverMs: number;
  /** Acknowledged writes read back; above it a sample spread evenly over the run. */
  readonly writesMax: number;
}

export interface AuditReport {
  /** Acknowledged writes read back at their revisions. */
  readonly writesRead: number;
  /** Revisions that no client was told of, and that the store was asked about. */
  readonly gaps: number;
  /** How long the healed cluster took to acknowledge a write. */
  readonly recoveredMs: number;
  /** Keys on which replicas differ at one revision; must be empty. */
  readonly disagreements: readonly string[];
  /** Reads of the past that got no answer. */
  readonly unanswered: number;
}

/** The client number of the auditor in the history. */
const AUDITOR = -1;
const READS_AT_ONCE = 8;
const READ_ATTEMPTS = 5;
const RETRY_MS = 100;
/** Revisions without a known author that are looked into. */
const GAPS_MAX = 2_000;
const LOCAL: Action = { kind: "get", consistency: "serializable" };
const LINEARIZABLE: Action = { kind: "get", consistency: "linearizable" };

export class Auditor {
  readonly #members: readonly Member[];
  readonly #recorder: Recorder;
  readonly #options: AuditOptions;
  readonly #connections: readonly KvConnection[];
  #unanswered = 0;

  constructor(members: readonly Member[], recorder: Recorder, options: AuditOptions) {
    this.#members = members;
    this.#recorder = recorder;
    this.#options = options;
    // One connection carries one request at a time, so a few for each member.
    this.#connections = Array.from({ length: READS_AT_ONCE * members.length }, (_, at) => {
      return new KvConnection(members[at % members.length]?.url ?? "", options.timeoutMs);
    });
  }

  close(): void {
    for (const connection of this.#connections) connection.close();
  }

  /** The store's revision now, as a linearizable read tells it; null when nobody answers in time. */
  async baseRevision(): Promise<number | null> {
    const outcome = await this.#insist(`${this.#options.prefix}/base`, LINEARIZABLE);
    return outcome === null || outcome.kind !== "missing" ? null : outcome.revision;
  }

  /** null when the healed cluster did not acknowledge a write in time. */
  async run(keys: readonly string[], baseRevision: number): Promise<AuditReport | null> {
    const startMs = this.#recorder.nowMs();
    const barrier = await this.#insist(`${this.#options.prefix}/barrier`, { kind: "put", value: "barrier" });
    if (barrier === null || barrier.kind !== "written") return null;
    const recoveredMs = this.#recorder.nowMs() - startMs;
    const disagreements = await this.#compareReplicas(keys, barrier.revision);
    const writesRead = await this.#readWritesBack();
    const gaps = await this.#lookIntoGaps(keys, baseRevision, barrier.revision);
    await this.#inParallel(keys, (key, worker) => this.#ask(worker, { key, action: LINEARIZABLE }));
    return { writesRead, gaps, recoveredMs, disagreements, unanswered: this.#unanswered };
  }

  /** Repeats until there is a definite answer. Each attempt is an operation of its own. */
  async #insist(key: string, action: Action): Promise<Outcome | null> {
    const deadlineMs = this.#recorder.nowMs() + this.#options.recoverMs;
    for (let attempt = 0; this.#recorder.nowMs() < deadlineMs; attempt += 1) {
      // Fresh values, as the judges tell unknown writes apart by them.
      const own: Action =
        action.kind === "put" ? { kind: "put", value: `${action.value}.${attempt}` } : action;
      const outcome = await this.#ask(attempt, { key, action: own });
      if (outcome.kind !== "unknown" && outcome.kind !== "failed") return outcome;
      await sleep(RETRY_MS);
    }
    return null;
  }

  /** Every replica, asked alone, holds the same state of every key at `revision`. */
  async #compareReplicas(keys: readonly string[], revision: number): Promise<string[]> {
    const disagreements: string[] = [];
    await this.#inParallel(keys, async (key, worker) => {
      const answers = new Map<string, string>();
      for (const { name } of this.#members) {
        const outcome = await this.#readAt(worker, key, revision, name);
        if (outcome === null) continue;
        const state =
          outcome.kind === "found" ? `${outcome.value} (mod ${outcome.modRevision})` : outcome.kind;
        answers.set(name, state);
      }
      if (new Set(answers.values()).size <= 1) return;
      disagreements.push(`${key}: ${[...answers].map(([name, state]) => `${name} ${state}`).join(", ")}`);
    });
    return disagreements;
  }

  async #readWritesBack(): Promise<number> {
    const writes: { readonly key: string; readonly revision: number }[] = [];
    for (const { key, outcome } of this.#recorder.operations) {
      if (outcome.kind === "written" || outcome.kind === "deleted")
        writes.push({ key, revision: outcome.revision });
    }
    const step = Math.max(1, Math.ceil(writes.length / this.#options.writesMax));
    const chosen = writes.filter((_, at) => at % step === 0);
    await this.#inParallel(chosen, ({ key, revision }, worker) => {
      return this.#readAt(worker, key, revision, this.#memberName(revision));
    });
    return chosen.length;
  }

  /**
   * Revisions no client was told of belong to writes of unknown outcome, or to nobody: then a write was
   * applied twice. The keys of such writes are read first; only if they do not explain it, all.
   */
  async #lookIntoGaps(keys: readonly string[], baseRevision: number, upTo: number): Promise<number> {
    const known = new Set<number>();
    const suspects = new Set<string>();
    for (const { key, action, outcome } of this.#recorder.operations) {
      if (outcome.kind === "written" || outcome.kind === "deleted") known.add(outcome.revision);
      if (outcome.kind === "found") known.add(outcome.modRevision);
      if (outcome.kind === "unknown" && (writtenValue(action) !== null || action.kind === "delete")) {
        suspects.add(key);
      }
    }
    const gaps: number[] = [];
    for (let revision = baseRevision + 1; revision <= upTo && gaps.length < GAPS_MAX; revision += 1) {
      if (!known.has(revision)) gaps.push(revision);
    }
    await this.#inParallel(gaps, async (gap, worker) => {
      if (await this.#findAuthor(worker, gap, [...suspects])) return;
      await this.#findAuthor(
        worker,
        gap,
        keys.filter((key) => !suspects.has(key)),
      );
    });
    return gaps.length;
  }

  async #findAuthor(worker: number, gap: number, keys: readonly string[]): Promise<boolean> {
    for (const key of keys) {
      const now = await this.#readAt(worker, key, gap, this.#memberName(gap));
      if (now?.kind === "found" && now.modRevision === gap) return true;
      if (now?.kind !== "missing") continue;
      const before = await this.#readAt(worker, key, gap - 1, this.#memberName(gap));
      if (before?.kind === "found") return true;
    }
    return false;
  }

  #memberName(number: number): string {
    return this.#members[number % this.#members.length]?.name ?? "";
  }

  async #readAt(worker: number, key: string, revision: number, pin: string): Promise<Outcome | null> {
    const request = { key, action: LOCAL, pin, atRevision: revision, minRevision: revision };
    for (let attempt = 0; attempt < READ_ATTEMPTS; attempt += 1) {
      const outcome = await this.#ask(worker + attempt, request);
      if (outcome.kind === "found" || outcome.kind === "missing") return outcome;
      await sleep(RETRY_MS);
    }
    this.#unanswered += 1;
    return null;
  }

  async #ask(connection: number, request: Omit<KvRequest, "idempotencyKey">): Promise<Outcome> {
    const callMs = this.#recorder.nowMs();
    const chosen = this.#connections[connection % this.#connections.length];
    const answer = await chosen?.perform({ ...request, idempotencyKey: null });
    const outcome: Outcome = answer?.outcome ?? { kind: "failed", reason: "no members" };
    this.#recorder.record(AUDITOR, request.key, request.action, callMs, outcome);
    return outcome;
  }

  async #inParallel<T>(
    list: readonly T[],
    work: (item: T, worker: number) => Promise<unknown>,
  ): Promise<void> {
    let next = 0;
    const workers = Array.from({ length: READS_AT_ONCE }, async (_, worker) => {
      for (let item = list[next]; item !== undefined; item = list[next]) {
        next += 1;
        await work(item, worker);
      }
    });
    await Promise.all(workers);
  }
}

/** The operations of clients proper, without the auditor's. */
export function clientOperations(operations: readonly Operation[]): Operation[] {
  return operations.filter((operation) => operation.process !== AUDITOR);
}

/** The store's revision when the recorded run began: what the auditor's first read was told. */
export function baseRevisionOf(operations: readonly Operation[]): number {
  const first = operations.find(({ process, outcome }) => process === AUDITOR && outcome.kind === "missing");
  if (first === undefined || first.outcome.kind !== "missing")
    throw new Error("no chaos run wrote this history");
  return first.outcome.revision;
}
