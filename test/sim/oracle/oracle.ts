/**
 * Compares what clients were told with the ground truth, answer by answer. Linear in the number of
 * operations: the committed log gives the order, nothing is searched.
 */
import { fromBinary } from "@bufbuild/protobuf";
import { assertNever, defined } from "../../../src/base/assert.ts";
import { LIMITS } from "../../../src/base/limits.ts";
import type { Rejected } from "../../../src/engine/replica-api.ts";
import type { QueryOutcome, WriteOutcome } from "../../../src/gateway/leader-router.ts";
import { LeaseKeepAliveResponseSchema } from "../../../src/wire/gen/etcd/rpc_pb.ts";
import { violated } from "../../raft/invariants/violation.ts";
import { checkAsker, checkReader, checkRefusal, checkSignature, isOfUsers } from "../auth/user-checks.ts";
import type { LeaseOracle } from "./lease-oracle.ts";
import type { Execution, Model, Moment } from "./model.ts";
import type { Completion, OperationRecord } from "./operation-record.ts";
import { refusedByAlarm } from "./operations/alarm.ts";
import { READS, WRITES } from "./operations/all.ts";
import type { PlannedOperation } from "./operations/operation-kind.ts";

export interface OracleCounts {
  ok: number;
  rejected: number;
  failed: number;
  unknown: number;
}

/** These say nothing of earlier requests: whoever signs in again may be answered. */
const SAY_NOTHING: ReadonlySet<string> = new Set(["invalidAuthToken", "authOldRevision", "userEmpty"]);

/** A write that was reported as not applied, when so many commands were. */
interface Denied {
  readonly record: OperationRecord;
  readonly sequence: number;
}

type ReadPlan = Extract<PlannedOperation, { kind: "read" }>;

export class Oracle {
  readonly #model: Model;
  readonly leases: LeaseOracle;
  readonly #now: () => number;
  readonly counts: OracleCounts = { ok: 0, rejected: 0, failed: 0, unknown: 0 };
  /** They must never be applied. */
  readonly #denied: Denied[] = [];
  readonly #writes: OperationRecord[] = [];
  /** By revision and compaction: what replicas said the hash of that history is. */
  readonly #hashes = new Map<string, number>();
  /** Transfers of leadership that were done, and hashes that a second replica or moment confirmed. */
  transfers = 0;
  equalHashes = 0;
  /** Writes that were answered when their clients asked again. */
  repeated = 0;
  #floor = 0;
  /** The same over time. */
  readonly #floors: { readonly atMs: number; readonly floor: number }[] = [];

  constructor(model: Model, leases: LeaseOracle, now: () => number) {
    this.#model = model;
    this.leases = leases;
    this.#now = now;
  }

  /** Commands that any client knows to be applied by now. */
  get floor(): number {
    return this.#floor;
  }

  /** Commands that any client knew to be applied before `atMs`. */
  floorBefore(atMs: number): number {
    return this.#floors.findLast((known) => known.atMs < atMs)?.floor ?? 0;
  }

  #know(sequence: number): void {
    if (sequence <= this.#floor) return;
    this.#floor = sequence;
    this.#floors.push({ atMs: this.#now(), floor: sequence });
  }

  begun(record: OperationRecord): void {
    if (record.planned.kind === "write") this.#writes.push(record);
  }

  completed(record: OperationRecord, completion: Completion): void {
    switch (completion.kind) {
      case "abandoned":
        this.counts.unknown += 1;
        return;
      case "write":
        this.#write(record, completion.outcome);
        return;
      case "read":
        if (record.planned.kind === "read") this.#read(record, record.planned, completion);
        return;
      case "hash":
        this.#hash(record, completion.outcome);
        return;
      case "move":
        this.#count(completion.outcome);
        this.#judgeAsker(record, completion.outcome);
        if (completion.outcome.kind === "answer") this.transfers += 1;
        return;
      case "keep-alive":
        this.#count(completion.outcome);
        this.#judgeAsker(record, completion.outcome);
        this.#renewed(record, completion.outcome);
        return;
      default:
        assertNever(completion, "completion");
    }
  }

  /** What can only be told at the end: nothing was applied twice, or against what was reported. */
  finish(repeated: ReadonlySet<string>): void {
    for (const record of this.#writes) {
      for (const run of this.#runs(record)) checkSignature(this.#model, record, run);
      if (this.#runs(record).length > 1 && record.repeats === 0) this.#twice(record);
    }
    for (const { record, sequence } of this.#denied) {
      // Of two runs of one call the first may answer "not applied" and the second apply it. The
      // platform runs a call at most once, and that is what the promise rests on.
      if (record.ids.some((id) => repeated.has(id))) continue;
      const runs = this.#runs(record).filter((run) => !isForgotten(record, run, sequence));
      if (runs.length > 0)
        violated("no-false-failure", `${name(record)} was reported as not applied, and was`);
    }
  }

  #runs(record: OperationRecord): Execution[] {
    return record.ids.flatMap((id) => this.#model.executions.get(id) ?? []);
  }

  #twice(record: OperationRecord): never {
    return violated("at-most-once", `${name(record)} was applied ${this.#runs(record).length} times`);
  }

  #write(record: OperationRecord, outcome: WriteOutcome): void {
    if (outcome.kind === "failed") {
      if (outcome.outcome === "unknown" || record.repeats > 0) {
        this.counts.unknown += 1;
      } else {
        this.counts.failed += 1;
        this.#denied.push({ record, sequence: this.#model.sequence });
      }
      return;
    }
    if (record.repeats > 0) this.repeated += 1;
    const runs = this.#runs(record);
    if (runs.length > 1 && record.repeats === 0) this.#twice(record);
    // Repeated so late that the first time is forgotten, it is another operation: which one was answered?
    if (runs.length > 1) return;
    const [run] = runs;
    if (run !== undefined) checkSignature(this.#model, record, run);
    if (outcome.kind === "rejected" && this.#isRefusedForItsUser(record, outcome, run)) return;
    if (outcome.kind === "rejected" && this.#isRefusedBeforeTheLog(record, outcome, run)) return;
    if (run === undefined) violated("no-lost-write", `${name(record)} was answered and is not in the log`);
    if (run.sequence < record.floor) {
      violated(
        "real-time-order",
        `${name(record)} took place as command ${run.sequence}, before ${record.floor} that were known`,
      );
    }
    this.#compareWrite(record, outcome, run);
    this.#know(run.sequence + 1);
  }

  /**
   * Who asks is refused before anything is written: it was so at some moment, and nothing came of it or
   * ever does. What the log refused in the same words at another revision was not the source of this.
   */
  #isRefusedForItsUser(record: OperationRecord, refusal: Rejected, run: Execution | undefined): boolean {
    const { error, header } = refusal;
    if (!isOfUsers(refusal)) return false;
    const isSame = run?.expected.kind === "rejected" && run.expected.error === error;
    if (isSame && run.revision === header.revision) return false;
    checkRefusal(this.#model, record, refusal);
    this.counts.rejected += 1;
    if (record.repeats === 0 || !SAY_NOTHING.has(error)) {
      this.#denied.push({ record, sequence: header.sequence });
    }
    return true;
  }

  /** An alarm refuses before anything is written: the alarms of that moment, and nothing comes of it later. */
  #isRefusedBeforeTheLog(record: OperationRecord, refusal: Rejected, run: Execution | undefined): boolean {
    const { error, header } = refusal;
    if (error !== "noSpace" && error !== "corrupt") return false;
    // As above: a second run of the same call may have been refused in the log, at another revision.
    const isSame = run?.expected.kind === "rejected" && run.expected.error === error;
    if (isSame && run.revision === header.revision) return false;
    this.counts.rejected += 1;
    this.#denied.push({ record, sequence: header.sequence });
    const moment = this.#model.bySequence[header.sequence];
    const { planned } = record;
    if (moment === undefined || header.sequence < record.floor) {
      violated(
        "alarm-freshness",
        `${name(record)} was refused at ${header.sequence}, ${record.floor} were known`,
      );
    }
    if (planned.kind !== "write" || refusedByAlarm(moment.alarms, planned.request) !== error) {
      violated("alarm-answers", `${name(record)} was refused as ${error}, alarms are ${text(moment.alarms)}`);
    }
    this.#know(header.sequence);
    return true;
  }

  /** One history has one hash, whoever tells it and however much it has deleted. */
  #hash(record: OperationRecord, outcome: Extract<Completion, { kind: "hash" }>["outcome"]): void {
    this.#count(outcome);
    this.#judgeAsker(record, outcome);
    if (outcome.kind !== "hashed") return;
    const { revision, compactRevision, hash } = outcome;
    const history = `${compactRevision}..${revision}`;
    const known = this.#hashes.get(history);
    if (known === undefined) this.#hashes.set(history, hash);
    else if (known === hash) this.equalHashes += 1;
    else violated("equal-hashes", `${name(record)}: history ${history} has hash ${hash}, and had ${known}`);
  }

  #judgeAsker(
    record: OperationRecord,
    outcome: QueryOutcome | Extract<Completion, { kind: "hash" }>["outcome"],
  ): void {
    if (outcome.kind === "failed") return;
    if (outcome.kind !== "rejected") checkAsker(this.#model, record, outcome.header.sequence);
    else if (isOfUsers(outcome)) checkRefusal(this.#model, record, outcome);
  }

  #renewed(record: OperationRecord, outcome: QueryOutcome): void {
    if (outcome.kind !== "answer" || record.planned.kind !== "keep-alive") return;
    const { TTL } = fromBinary(LeaseKeepAliveResponseSchema, outcome.response);
    this.leases.renewed(record, record.planned.lease, Number(TTL) * 1_000, this.#now());
  }

  #granted(record: OperationRecord): void {
    if (record.planned.kind !== "write" || record.planned.request.case !== "leaseGrant") return;
    const { ID, TTL } = record.planned.request.value;
    this.leases.granted(record, ID, Number(TTL) * 1_000, this.#now());
  }

  #count({ kind }: { readonly kind: string }): void {
    if (kind === "failed") this.counts.failed += 1;
    else if (kind === "rejected") this.counts.rejected += 1;
    else this.counts.ok += 1;
  }

  #compareWrite(record: OperationRecord, outcome: WriteOutcome, run: Execution): void {
    if (outcome.kind === "failed") return;
    const { expected, revision } = run;
    if (outcome.header.revision !== revision) {
      violated("write-answers", `${name(record)} tells revision ${outcome.header.revision}, not ${revision}`);
    }
    if (outcome.kind === "rejected") {
      this.counts.rejected += 1;
      if (expected.kind === "rejected" && expected.error === outcome.error) return;
      violated(
        "write-answers",
        `${name(record)} was refused as ${outcome.error}, expected ${text(expected)}`,
      );
    }
    this.counts.ok += 1;
    const carriers = record.ids.flatMap((id) => this.#model.carriers.get(id) ?? []);
    if (!carriers.includes(outcome.index)) {
      violated(
        "write-answers",
        `${name(record)} is said to be at index ${outcome.index}, not at ${carriers}`,
      );
    }
    if (expected.kind === "rejected") {
      violated("write-answers", `${name(record)} succeeded, expected ${expected.error}`);
    }
    this.#granted(record);
    if (!outcome.complete) return;
    const kind = WRITES.find(({ name: kindName }) => kindName === record.kind.name);
    same("write-answers", record, kind?.decode(outcome.response), expected.answer);
  }

  #read(record: OperationRecord, plan: ReadPlan, { outcome }: Extract<Completion, { kind: "read" }>): void {
    if (outcome.kind === "failed") {
      this.counts.failed += 1;
      return;
    }
    const { sequence, revision } = outcome.header;
    const moment = this.#model.bySequence[sequence];
    if (moment === undefined) {
      violated(
        "read-answers",
        `${name(record)} saw ${sequence} commands, ${this.#model.sequence} are committed`,
      );
    }
    if (moment.isRestoring) violated("restore-hidden", `${name(record)} saw a store that is being restored`);
    const isOfNow = plan.consistency === "linearizable" && plan.maxStalenessMs === undefined;
    if (isOfNow && sequence < record.floor) {
      violated(
        "read-freshness",
        `${name(record)} saw ${sequence} commands, ${record.floor} were known before`,
      );
    }
    if (revision < plan.minRevision) {
      violated("read-freshness", `${name(record)} saw revision ${revision}, asked for ${plan.minRevision}`);
    }
    if (outcome.kind === "rejected" && isOfUsers(outcome)) {
      checkRefusal(this.#model, record, outcome);
      this.counts.rejected += 1;
      return;
    }
    checkReader(record, moment);
    this.#compareRead(record, plan, outcome, moment);
    this.#know(sequence);
  }

  #compareRead(
    record: OperationRecord,
    plan: ReadPlan,
    outcome: Exclude<Extract<Completion, { kind: "read" }>["outcome"], { kind: "failed" }>,
    { revision, compactRevision }: Moment,
  ): void {
    if (outcome.header.revision !== revision) {
      violated("read-answers", `${name(record)} tells revision ${outcome.header.revision}, not ${revision}`);
    }
    const kind = defined(
      READS.find(({ name: kindName }) => kindName === record.kind.name),
      "reads are of a kind of reads",
    );
    const expected = kind.expect(this.#model.store, plan.request, revision, compactRevision);
    if (outcome.kind === "rejected") {
      this.counts.rejected += 1;
      if (expected.kind === "rejected" && expected.error === outcome.error) return;
      violated("read-answers", `${name(record)} was refused as ${outcome.error}, expected ${text(expected)}`);
    }
    this.counts.ok += 1;
    if (expected.kind === "rejected") {
      violated("read-answers", `${name(record)} succeeded, expected ${expected.error}`);
    }
    same("read-answers", record, kind.decode(outcome.response), expected.answer);
  }
}

/** Further apart than the memory of operations reaches: a repetition is then an operation of its own. */
function isForgotten({ repeats }: OperationRecord, run: Execution, sequence: number): boolean {
  return repeats > 0 && Math.abs(run.sequence - sequence) > LIMITS.dedupOperationsMax;
}

function same(invariant: string, record: OperationRecord, actual: unknown, expected: unknown): void {
  const told = JSON.stringify(actual);
  const wanted = JSON.stringify(expected);
  if (told !== wanted) violated(invariant, `${name(record)} was answered ${told}, expected ${wanted}`);
}

function text(value: unknown): string {
  return JSON.stringify(value);
}

function name({ number, client, kind }: OperationRecord): string {
  return `operation ${number} (${kind.name} of ${client})`;
}
