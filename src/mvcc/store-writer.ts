import { create } from "@bufbuild/protobuf";
import { defined } from "../base/assert.ts";
import { equalBytes } from "../base/bytes.ts";
import type { KeyValue } from "../wire/gen/etcd/kv_pb.ts";
import {
  type DeleteRangeRequest,
  type DeleteRangeResponse,
  DeleteRangeResponseSchema,
  type PutRequest,
  type PutResponse,
  PutResponseSchema,
} from "../wire/gen/etcd/rpc_pb.ts";
import { AnswerBudget } from "./answer-budget.ts";
import type { Counters } from "./counters.ts";
import { type Interval, intervalOf } from "./interval.ts";
import type { KvTable } from "./kv-table.ts";
import { leaseIdBytes } from "./lease/lease-id.ts";
import type { LeaseTable } from "./lease/lease-table.ts";
import type { ReadView } from "./read-view.ts";
import { scanSpan } from "./scan.ts";
import { toKeyValue, type Version, versionBytes } from "./version.ts";

/**
 * The writes of one command after the other: those of each are of one revision, numbered from 0 within
 * it, each seen by the next. Nothing here can be refused; whoever writes has checked before.
 *
 * One for all commands. If each had its own, every collection of garbage that meets none would throw
 * away the optimised code that knows its shape, which is the code of every write.
 */
export class StoreWriter {
  /** What the command may still answer. */
  readonly budget = new AnswerBudget();
  readonly #table: KvTable;
  readonly #counters: Counters;
  readonly #leases: LeaseTable;
  #beginRevision: number;
  #beginOrd: number;
  #changes = 0;

  constructor(table: KvTable, counters: Counters, leases: LeaseTable) {
    this.#table = table;
    this.#counters = counters;
    this.#leases = leases;
    this.#beginRevision = counters.revision;
    this.#beginOrd = counters.ord;
  }

  /** Before each command. */
  begin(): this {
    this.#beginRevision = this.#counters.revision;
    this.#beginOrd = this.#counters.ord;
    this.#changes = 0;
    this.budget.begin();
    return this;
  }

  /** The revision as the command sees it: the old one until something is really written. */
  get revision(): number {
    return this.#beginRevision + (this.#changes > 0 ? 1 : 0);
  }

  view(): ReadView {
    return {
      revision: this.revision,
      bound: this.#counters.ord,
      historyRevision: this.#beginRevision,
      historyBound: this.#beginOrd,
      compactRevision: this.#counters.compactRevision,
    };
  }

  put(request: PutRequest): PutResponse {
    const previous = this.write(request);
    const header = { revision: BigInt(this.revision) };
    if (!request.prevKv || previous === null) return create(PutResponseSchema, { header });
    this.budget.take(versionBytes(previous));
    return create(PutResponseSchema, { header, prevKv: toKeyValue(previous) });
  }

  /** Puts a pair and returns what was there before, with its value if the request needs that. */
  write(request: PutRequest): Version | null {
    const { key, prevKv, ignoreValue, ignoreLease } = request;
    const previous = this.#table.live(key, this.#counters.ord, prevKv || ignoreValue);
    const lease = ignoreLease
      ? defined(previous, "ignore_lease was checked").lease
      : leaseBytes(request.lease);
    const value = ignoreValue ? defined(previous, "ignore_value was checked").value : request.value;
    this.#move(key, previous === null ? null : previous.lease, lease);
    const main = this.#beginRevision + 1;
    this.#append({
      ord: this.#counters.ord + 1,
      main,
      key,
      createMain: previous === null ? main : previous.createMain,
      version: previous === null ? 1 : previous.version + 1,
      lease,
      value,
    });
    return previous;
  }

  deleteRange(request: DeleteRangeRequest): DeleteRangeResponse {
    const prevKvs: KeyValue[] = [];
    let deleted = 0;
    for (const version of this.#live(intervalOf(request.key, request.rangeEnd), request.prevKv)) {
      this.#delete(version);
      deleted += 1;
      if (request.prevKv && this.budget.take(versionBytes(version))) prevKvs.push(toKeyValue(version));
    }
    const header = { revision: BigInt(this.revision) };
    return create(DeleteRangeResponseSchema, { header, deleted: BigInt(deleted), prevKvs });
  }

  /** Deletes a key that lives. */
  deleteKey(key: Uint8Array): void {
    this.#delete(defined(this.#table.live(key, this.#counters.ord, false), "the key to delete lives"));
  }

  /** Ends the command: what it wrote becomes the store's next revision. */
  finish(): void {
    this.#leases.finish();
    this.#counters.revision = this.revision;
  }

  #delete({ key, lease }: Version): void {
    this.#move(key, lease, null);
    const [ord, main] = [this.#counters.ord + 1, this.#beginRevision + 1];
    this.#append({ ord, main, key, createMain: 0, version: 0, lease: null, value: null });
  }

  /** The key leaves one lease for another; null for none. */
  #move(key: Uint8Array, from: Uint8Array | null, to: Uint8Array | null): void {
    if (from === to || (from !== null && to !== null && equalBytes(from, to))) return;
    if (from !== null) this.#leases.detach(from, key);
    if (to !== null) this.#leases.attach(to, key);
  }

  /** The live versions of an interval as they stood before the first of them is changed. */
  *#live(interval: Interval, withValues: boolean): Generator<Version, void> {
    const bound = this.#counters.ord;
    if (interval.kind === "span") {
      yield* scanSpan(this.#table, interval, bound, withValues);
      return;
    }
    const version = this.#table.live(interval.key, bound, withValues);
    if (version !== null) yield version;
  }

  #append(version: Version): void {
    this.#counters.ord = version.ord;
    this.#table.append(version, this.#changes);
    this.#changes += 1;
  }
}

function leaseBytes(lease: bigint): Uint8Array | null {
  return lease === 0n ? null : leaseIdBytes(lease);
}
