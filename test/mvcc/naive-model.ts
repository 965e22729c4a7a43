/**
 * etcd's store, written as plainly as possible and independently of the state machine: the whole
 * keyspace is kept once for every revision. Keys and values are text, answers are JSON-like.
 */

export interface Pair {
  readonly key: string;
  readonly create: number;
  readonly mod: number;
  readonly version: number;
  readonly value: string;
  /** 0 for none. */
  readonly lease: number;
}

export type Target = "version" | "create" | "mod" | "value" | "lease";

export interface RangeOp {
  readonly kind: "range";
  readonly key: string;
  readonly end: string;
  readonly revision: number;
  readonly limit: number;
  readonly sort: "none" | "ascend" | "descend";
  readonly target: "key" | Exclude<Target, "lease">;
  readonly keysOnly: boolean;
  readonly countOnly: boolean;
  readonly minMod: number;
  readonly maxCreate: number;
}

export interface PutOp {
  readonly kind: "put";
  readonly key: string;
  readonly value: string;
  readonly prevKv: boolean;
  readonly ignoreValue: boolean;
  readonly lease: number;
  readonly ignoreLease: boolean;
}

export interface DeleteOp {
  readonly kind: "delete";
  readonly key: string;
  readonly end: string;
  readonly prevKv: boolean;
}

export interface CompareOp {
  readonly key: string;
  readonly end: string;
  readonly target: Target;
  readonly result: "equal" | "greater" | "less" | "notEqual";
  readonly operand: number | string;
}

export interface TxnOp {
  readonly kind: "txn";
  readonly compare: readonly CompareOp[];
  readonly success: readonly Op[];
  readonly failure: readonly Op[];
}

/** What is done to leases. `ends` tells whether a client revokes or time is over: it makes no difference. */
export type LeaseOp =
  | { readonly kind: "grant"; readonly id: number; readonly ttl: number }
  | { readonly kind: "revoke"; readonly id: number; readonly ends: "revoked" | "expired" }
  | { readonly kind: "checkpoint"; readonly id: number; readonly remainingMs: number }
  /** Grants the lease together with a write, or does neither. */
  | { readonly kind: "with-lease"; readonly id: number; readonly ttl: number; readonly op: PutOp | TxnOp };

export interface ModelLease {
  readonly ttl: number;
  readonly remainingMs: number;
  /** Gone with its last key. */
  readonly withKeys: boolean;
}

export type Op = RangeOp | PutOp | DeleteOp | TxnOp;

type Keyspace = ReadonlyMap<string, Pair>;

export class Refusal extends Error {}

export const inInterval = (key: string, from: string, end: string): boolean => {
  if (end === "") return key === from;
  return key >= from && (end === "\u0000" || key < end);
};

export class NaiveModel {
  /** The keyspace as it was after each revision. */
  #history: Keyspace[] = [new Map(), new Map()];
  compacted = -1;
  readonly leases = new Map<number, ModelLease>();

  get revision(): number {
    return this.#history.length - 1;
  }

  /** Runs a command: all of it or, if refused, nothing. */
  run(op: Op): unknown {
    const answer = this.#run(op);
    this.#dropUnused();
    return answer;
  }

  #run(op: Op): unknown {
    const draft = new Draft(this.#history, this.compacted, this.leases);
    if (op.kind === "put") this.#checkLease(op);
    if (op.kind === "txn") {
      checkBranches(op);
      // Of several reasons to refuse, those of puts come before those of ranges.
      const trial = new Draft(this.#history, this.compacted, this.leases, false);
      trial.run(op, trial.decide(op));
    }
    const answer = draft.run(op, draft.decide(op));
    this.#history = draft.history();
    return answer;
  }

  runLease(op: LeaseOp): unknown {
    switch (op.kind) {
      case "grant":
        this.#grant(op.id, op.ttl, false);
        return { revision: this.revision, id: op.id, ttl: Math.max(2, op.ttl) };
      case "revoke":
        this.#revoke(op.id);
        return { revision: this.revision };
      case "checkpoint": {
        const lease = this.leases.get(op.id);
        if (lease !== undefined) this.leases.set(op.id, { ...lease, remainingMs: op.remainingMs });
        return { revision: this.revision };
      }
      case "with-lease":
        // What is wrong with the request itself comes first.
        if (op.op.kind === "txn") checkBranches(op.op);
        this.#grant(op.id, op.ttl, true);
        try {
          return this.#run(op.op);
        } finally {
          this.#dropUnused();
        }
    }
  }

  /** The keys of a lease, in order. */
  keysOf(id: number): readonly string[] {
    const pairs = [...(this.#history.at(-1) ?? new Map<string, Pair>()).values()];
    return pairs
      .filter(({ lease }) => lease === id)
      .map(({ key }) => key)
      .sort();
  }

  #grant(id: number, ttl: number, withKeys: boolean): void {
    if (this.leases.has(id)) throw new Refusal("leaseExists");
    this.leases.set(id, { ttl: Math.max(2, ttl), remainingMs: 0, withKeys });
  }

  #revoke(id: number): void {
    if (!this.leases.has(id)) throw new Refusal("leaseNotFound");
    const keys = this.keysOf(id);
    const now = new Map(this.#history.at(-1));
    for (const key of keys) now.delete(key);
    if (keys.length > 0) this.#history = [...this.#history, now];
    this.leases.delete(id);
  }

  #checkLease({ lease }: PutOp): void {
    if (lease !== 0 && !this.leases.has(lease)) throw new Refusal("leaseNotFound");
  }

  #dropUnused(): void {
    for (const [id, { withKeys }] of [...this.leases]) {
      if (withKeys && this.keysOf(id).length === 0) this.leases.delete(id);
    }
  }

  compact(revision: number): unknown {
    if (revision <= this.compacted) throw new Refusal("compacted");
    if (revision > this.revision) throw new Refusal("futureRevision");
    this.compacted = revision;
    return { revision: this.revision };
  }
}

/** Which branches a transaction and those nested in it take, decided beforehand. */
type Decision = ReadonlyMap<TxnOp, boolean>;

class Draft {
  readonly #before: readonly Keyspace[];
  readonly #compacted: number;
  readonly #leases: ReadonlyMap<number, ModelLease>;
  readonly #checksRanges: boolean;
  #now: Map<string, Pair>;
  #changed = false;

  constructor(
    history: readonly Keyspace[],
    compacted: number,
    leases: ReadonlyMap<number, ModelLease>,
    checksRanges = true,
  ) {
    this.#leases = leases;
    this.#checksRanges = checksRanges;
    this.#before = history;
    this.#compacted = compacted;
    this.#now = new Map(history.at(-1));
  }

  history(): Keyspace[] {
    return this.#changed ? [...this.#before, this.#now] : [...this.#before];
  }

  get #revision(): number {
    return this.#before.length - 1 + (this.#changed ? 1 : 0);
  }

  decide(op: Op, decision = new Map<TxnOp, boolean>()): Decision {
    if (op.kind !== "txn") return decision;
    const holds = op.compare.every((compare) => this.#holds(compare));
    decision.set(op, holds);
    for (const inner of holds ? op.success : op.failure) this.decide(inner, decision);
    return decision;
  }

  run(op: Op, decision: Decision, isInTxn = false): unknown {
    switch (op.kind) {
      case "range":
        return this.#range(op, isInTxn);
      case "put":
        return this.#put(op);
      case "delete":
        return this.#delete(op);
      case "txn": {
        const succeeded = decision.get(op) === true;
        const branch = succeeded ? op.success : op.failure;
        const responses = branch.map((inner) => this.run(inner, decision, true));
        return { revision: isInTxn ? 0 : this.#revision, succeeded, responses };
      }
    }
  }

  #holds({ key, end, target, result, operand }: CompareOp): boolean {
    const pairs = [...this.#now.values()].filter((pair) => inInterval(pair.key, key, end));
    if (pairs.length === 0 && target === "value") return false;
    const missing: Pair = { key, create: 0, mod: 0, version: 0, value: "", lease: 0 };
    return (pairs.length === 0 ? [missing] : pairs).every((pair) => {
      const actual = pair[target];
      if (result === "equal") return actual === operand;
      if (result === "notEqual") return actual !== operand;
      return result === "greater" ? actual > operand : actual < operand;
    });
  }

  #range(op: RangeOp, isInTxn: boolean): unknown {
    const head = this.#before.length - 1;
    // A negative revision is now, but compacted inside a transaction once there was a compaction.
    const isPast = isInTxn ? op.revision !== 0 : op.revision > 0;
    if (this.#checksRanges && op.revision > head) throw new Refusal("futureRevision");
    if (this.#checksRanges && isPast && op.revision < this.#compacted) throw new Refusal("compacted");
    const space = op.revision > 0 ? (this.#before[op.revision] ?? new Map()) : this.#now;
    let pairs = [...space.values()].filter((pair) => inInterval(pair.key, op.key, op.end));
    pairs.sort((a, b) => (a.key < b.key ? -1 : 1));
    const count = pairs.length;
    if (op.countOnly) return { revision: this.#revision, count, more: false, kvs: [] };
    const isFiltered = op.minMod !== 0 || op.maxCreate !== 0;
    pairs = pairs.filter(
      (pair) =>
        (op.minMod === 0 || pair.mod >= op.minMod) && (op.maxCreate === 0 || pair.create <= op.maxCreate),
    );
    if (op.sort === "none" && !isFiltered && op.limit > 0) pairs = pairs.slice(0, op.limit + 1);
    const { target } = op;
    const sign = op.sort === "descend" ? -1 : 1;
    if (op.sort !== "none" || target !== "key") {
      pairs.sort((a, b) => (a[target] === b[target] ? 0 : a[target] < b[target] ? -sign : sign));
    }
    const more = op.limit > 0 && pairs.length > op.limit;
    if (op.limit > 0) pairs = pairs.slice(0, op.limit);
    const kvs = pairs.map((pair) => (op.keysOnly ? { ...pair, value: "" } : pair));
    return { revision: this.#revision, count, more, kvs };
  }

  #put(op: PutOp): unknown {
    const previous = this.#now.get(op.key) ?? null;
    if ((op.ignoreValue || op.ignoreLease) && previous === null) throw new Refusal("keyNotFound");
    if (op.lease !== 0 && !this.#leases.has(op.lease)) throw new Refusal("leaseNotFound");
    const revision = this.#before.length;
    this.#changed = true;
    this.#now.set(op.key, {
      key: op.key,
      create: previous?.create ?? revision,
      mod: revision,
      version: (previous?.version ?? 0) + 1,
      value: op.ignoreValue ? (previous?.value ?? "") : op.value,
      lease: op.ignoreLease ? (previous?.lease ?? 0) : op.lease,
    });
    return { revision, prev: op.prevKv ? previous : null };
  }

  #delete(op: DeleteOp): unknown {
    const pairs = [...this.#now.values()].filter((pair) => inInterval(pair.key, op.key, op.end));
    pairs.sort((a, b) => (a.key < b.key ? -1 : 1));
    for (const pair of pairs) this.#now.delete(pair.key);
    if (pairs.length > 0) this.#changed = true;
    return { revision: this.#revision, deleted: pairs.length, prevs: op.prevKv ? pairs : [] };
  }
}

interface Changes {
  readonly puts: Set<string>;
  readonly deletes: DeleteOp[];
}

function checkBranches({ success, failure }: TxnOp): void {
  checkDuplicates(success);
  checkDuplicates(failure);
}

/** etcd's own check, with its oddity: nested puts are not held against deletes of later siblings. */
function checkDuplicates(ops: readonly Op[]): Changes {
  const puts = new Set<string>();
  const deletes = ops.filter((op) => op.kind === "delete" && op.end !== "\u0000") as DeleteOp[];
  const claim = (key: string) => {
    if (puts.has(key) || deletes.some((op) => inInterval(key, op.key, op.end)))
      throw new Refusal("duplicateKey");
  };
  for (const op of ops) {
    if (op.kind !== "txn") continue;
    const branches = [checkDuplicates(op.success), checkDuplicates(op.failure)];
    for (const branch of branches) for (const key of branch.puts) claim(key);
    for (const branch of branches) {
      for (const key of branch.puts) puts.add(key);
      deletes.push(...branch.deletes);
    }
  }
  for (const op of ops) {
    if (op.kind !== "put") continue;
    claim(op.key);
    puts.add(op.key);
  }
  return { puts, deletes };
}
