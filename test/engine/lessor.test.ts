import { create, toBinary } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { LIMITS } from "../../src/base/limits.ts";
import type { EngineContext } from "../../src/engine/engine-context.ts";
import { Lessor, type Renewal } from "../../src/engine/lessor.ts";
import { Proposals } from "../../src/engine/proposals.ts";
import { simpleConfiguration } from "../../src/raft/configuration.ts";
import { encodeBatch } from "../../src/wire/batch.ts";
import { type Command, CommandSchema, LeaseExpirySchema } from "../../src/wire/gen/edged_pb.ts";
import { LeaseGrantRequestSchema, LeaseRevokeRequestSchema } from "../../src/wire/gen/etcd/rpc_pb.ts";
import { bytes, putOf, Store } from "../mvcc/harness.ts";

const ELECTION_MS = 1_000;
const SECOND = 1_000;
const MINUTE = 60 * SECOND;

/** A leader whose proposals are committed and applied at once, or when it is told to. */
class Leadership {
  now: number;
  readonly store: Store;
  readonly proposals = new Proposals();
  readonly lessor: Lessor;
  readonly #term: number;
  isLeader = true;
  isRestoring = false;
  holdsBack = false;
  /** Commands that went through the log. */
  written = 0;
  #index: number;
  #answers: (() => void)[] = [];

  /** What a leader says of the lease that is there. */
  expiryOf(id: bigint): Command {
    const granted = this.store.machine.leases.get(id)?.granted ?? 0n;
    const value = create(LeaseExpirySchema, { id, granted });
    return create(CommandSchema, { request: { case: "leaseExpiry", value } });
  }

  /** Somebody revokes the lease and grants another one under its id, ahead of what is proposed. */
  replace(ID: bigint, TTL: bigint): void {
    const revoke = create(LeaseRevokeRequestSchema, { ID });
    this.store.apply(create(CommandSchema, { request: { case: "leaseRevoke", value: revoke } }));
    const grant = create(LeaseGrantRequestSchema, { ID, TTL });
    this.store.apply(create(CommandSchema, { request: { case: "leaseGrant", value: grant } }));
  }

  /** `writtenAt`: it is the only member, and last wrote then. */
  constructor(
    store = new Store(),
    now = 0,
    term = 1,
    sleptAt: number | null = null,
    writtenAt: number | null = null,
  ) {
    this.store = store;
    this.now = now;
    this.#term = term;
    this.#index = term * 1_000_000;
    const leadership = this;
    const raft = {
      get isLeader() {
        return leadership.isLeader;
      },
      core: { id: "self", term, applied: this.#index, termStartIndex: this.#index },
    };
    const machine = {
      get leases() {
        return leadership.store.machine.leases;
      },
      get isRestoring() {
        return leadership.isRestoring;
      },
    };
    const context = {
      raft,
      machine,
      get now() {
        return leadership.now;
      },
      turn: (_now: number, input: () => void) => {
        input();
        leadership.turn();
      },
      afterTurn: (answer: () => void) => leadership.#answers.push(answer),
    };
    const sleep = sleptAt === null ? null : { leader: "self", round: 0, repairMs: 0, at: sleptAt };
    const voters = writtenAt === null ? ["self", "other"] : ["self"];
    const configurations = [{ index: 0, configuration: simpleConfiguration(voters) }];
    // Asleep it leads on in its term, else it is elected.
    const boot = { term: sleep === null ? term - 1 : term, commit: 0, sleep, configurations };
    // A fake has what is used of an engine.
    this.lessor = new Lessor(context as unknown as EngineContext, this.proposals, ELECTION_MS, {
      boot,
      writtenAt: writtenAt ?? now,
    } as unknown as ConstructorParameters<typeof Lessor>[3]);
    this.turn();
  }

  /** What a turn of the engine does with the lessor. */
  turn(): void {
    this.lessor.expire(this.now);
    while (!this.holdsBack && this.proposals.hasBatch(this.now + 10, this.#index, this.#term)) {
      const commands = this.proposals.nextBatch();
      this.#index += 1;
      this.proposals.proposed(commands.length, this.#index, this.#term);
      const { outcomes } = this.store.applyData(encodeBatch(commands));
      this.written += commands.length;
      this.proposals.applied(this.#index, this.#term, outcomes);
    }
    this.lessor.applied(this.now);
    const answers = this.#answers;
    this.#answers = [];
    for (const answer of answers) answer();
  }

  /** Lets time pass, with a turn whenever one is due. */
  passTo(at: number): void {
    for (;;) {
      const due = this.lessor.deadline();
      if (due === null || due > at) break;
      this.now = Math.max(this.now, due);
      this.proposals.ticked();
      this.turn();
    }
    this.now = at;
  }

  apply(command: Command): void {
    this.store.apply(command);
    this.turn();
  }

  grant(id: number, ttlSeconds: number): void {
    this.apply(grantOf(id, ttlSeconds));
  }

  /** As a client hears it. */
  renew(id: number): Renewal | null | "waiting" {
    const renewal = this.lessor.renew(BigInt(id));
    if (renewal.kind !== "checkpointed") return renewal;
    let told: Renewal | null | "waiting" = "waiting";
    this.lessor.renewThroughLog(this.now, BigInt(id), Number.POSITIVE_INFINITY, (late) => {
      told = late;
    });
    return told;
  }

  has(id: number): boolean {
    return this.store.machine.leases.get(BigInt(id)) !== null;
  }

  /** The next leader, which knows the rows and nothing else. */
  next(sleptAt: number | null = null): Leadership {
    this.store.reload();
    return new Leadership(this.store, this.now, this.#term + (sleptAt === null ? 1 : 0), sleptAt);
  }

  /** The only member of its cluster comes back without memory, having written last at `writtenAt`. */
  nextAlone(writtenAt: number): Leadership {
    this.store.reload();
    return new Leadership(this.store, this.now, this.#term + 1, null, writtenAt);
  }
}

function grantOf(id: number, ttlSeconds: number): Command {
  const value = create(LeaseGrantRequestSchema, { ID: BigInt(id), TTL: BigInt(ttlSeconds) });
  return create(CommandSchema, { request: { case: "leaseGrant", value } });
}

const RENEWED = { kind: "renewed", ttlMs: 10 * SECOND };

describe("a lease", () => {
  test("ends when its time is over and not before, and its keys with it, in one revision", () => {
    const leader = new Leadership();
    leader.grant(5, 10);
    leader.apply(putOf({ key: bytes("b"), value: bytes("1"), lease: 5n }));
    leader.apply(putOf({ key: bytes("a"), value: bytes("1"), lease: 5n }));
    leader.passTo(10 * SECOND - 1);
    expect(leader.has(5)).toBe(true);
    leader.passTo(10 * SECOND);
    expect(leader.has(5)).toBe(false);
    expect(leader.store.machine.state().revision).toBe(4);
    expect(leader.store.range({ key: bytes("a"), rangeEnd: bytes("c") })).toMatchObject({ count: 0n });
  });

  test("that is renewed in time costs the log nothing, however long it lives", () => {
    const leader = new Leadership();
    leader.grant(5, 10);
    for (let at = 3 * SECOND; at < 10 * MINUTE; at += 3 * SECOND) {
      leader.passTo(at);
      expect(leader.renew(5)).toEqual(RENEWED);
    }
    expect(leader.written).toBe(0);
    leader.passTo(leader.now + 10 * SECOND - 1);
    expect(leader.has(5)).toBe(true);
    leader.passTo(leader.now + 1);
    expect(leader.has(5)).toBe(false);
  });

  test("gets the whole of its time again from a new leader, and an election's time", () => {
    const first = new Leadership();
    first.grant(5, 10);
    first.passTo(3 * SECOND);
    first.renew(5);
    const second = first.next();
    second.passTo(14 * SECOND - 1);
    expect(second.has(5)).toBe(true);
    second.passTo(14 * SECOND);
    expect(second.has(5)).toBe(false);
  });

  test("that nobody renews gets from a new leader what was left at the last checkpoint", () => {
    const first = new Leadership();
    first.grant(5, 60);
    first.passTo(30 * SECOND);
    expect(first.written).toBe(1);
    const second = first.next();
    second.passTo(61 * SECOND - 1);
    expect(second.has(5)).toBe(true);
    second.passTo(61 * SECOND);
    expect(second.has(5)).toBe(false);
  });

  test("that nobody renews ends though leaders change all the time, if each stays for half of what is left", () => {
    let leader = new Leadership();
    leader.grant(5, 3_600);
    let elections = 0;
    for (; leader.has(5) && elections < 100; elections += 1) {
      leader.passTo(leader.now + 5 * MINUTE);
      leader = leader.next();
    }
    expect(elections).toBeLessThan(16);
  });

  test("with a shorter time in the log is renewed there before anybody is told", () => {
    const first = new Leadership();
    first.grant(5, 60);
    first.passTo(40 * SECOND);
    first.holdsBack = true;
    expect(first.renew(5)).toBe("waiting");
    expect(first.store.machine.leases.get(5n)?.remainingMs).toBe(30_000n);
    first.holdsBack = false;
    first.turn();
    expect(first.store.machine.leases.get(5n)?.remainingMs).toBe(0n);
    const second = first.next();
    second.passTo(40 * SECOND + 61 * SECOND - 1);
    expect(second.has(5)).toBe(true);
  });

  test("whose end is on its way cannot be renewed, nor one that was renewed through the log too late", () => {
    const leader = new Leadership();
    leader.grant(5, 60);
    leader.passTo(30 * SECOND);
    leader.holdsBack = true;
    let told: unknown = "waiting";
    leader.lessor.renewThroughLog(leader.now, 5n, Number.POSITIVE_INFINITY, (late) => {
      told = late;
    });
    leader.passTo(60 * SECOND);
    expect(leader.lessor.renew(5n)).toEqual({ kind: "ending" });
    leader.holdsBack = false;
    leader.turn();
    expect(told).toEqual({ kind: "unknown" });
    expect(leader.has(5)).toBe(false);
    expect(leader.renew(5)).toEqual({ kind: "unknown" });
  });

  test("that is gone in the very turn in which the log takes its renewal is unknown", () => {
    const leader = new Leadership();
    leader.grant(5, 60);
    leader.passTo(30 * SECOND);
    leader.holdsBack = true;
    const revoke = leader.expiryOf(5n);
    leader.proposals.add(leader.now, toBinary(CommandSchema, revoke), leader.now + SECOND, () => undefined);
    let told: unknown = "waiting";
    leader.lessor.renewThroughLog(leader.now, 5n, Number.POSITIVE_INFINITY, (late) => {
      told = late;
    });
    leader.holdsBack = false;
    leader.turn();
    expect(told).toEqual({ kind: "unknown" });
  });

  test("that is granted anew under its old id is not ended by what was said of the old one", () => {
    const leader = new Leadership();
    leader.grant(5, 10);
    leader.holdsBack = true;
    leader.passTo(10 * SECOND);
    // Before its end gets into the log, somebody revokes it and grants another one.
    leader.replace(5n, 10n);
    leader.holdsBack = false;
    leader.turn();
    expect(leader.has(5)).toBe(true);
    leader.passTo(20 * SECOND - 1);
    expect(leader.has(5)).toBe(true);
    leader.passTo(20 * SECOND);
    expect(leader.has(5)).toBe(false);
  });

  test("that is granted anew while the log takes a renewal of the old one is not taken for that", () => {
    const leader = new Leadership();
    leader.grant(5, 60);
    leader.passTo(30 * SECOND);
    leader.holdsBack = true;
    let told: unknown = "waiting";
    leader.lessor.renewThroughLog(leader.now, 5n, Number.POSITIVE_INFINITY, (late) => {
      told = late;
    });
    leader.replace(5n, 2n);
    leader.holdsBack = false;
    leader.turn();
    expect(told).toEqual({ kind: "unknown" });
  });

  test("that is granted anew under its old id has a time of its own", () => {
    const leader = new Leadership();
    leader.grant(5, 10);
    leader.passTo(9 * SECOND);
    leader.apply(leader.expiryOf(5n));
    leader.grant(5, 10);
    leader.passTo(19 * SECOND - 1);
    expect(leader.has(5)).toBe(true);
    leader.passTo(19 * SECOND);
    expect(leader.has(5)).toBe(false);
  });

  test("goes on from where its leader fell asleep, if that one comes back without its memory", () => {
    const awake = new Leadership();
    awake.grant(5, 10);
    awake.passTo(3 * SECOND);
    const back = awake.next(2 * SECOND);
    back.passTo(8 * SECOND);
    back.passTo(12 * SECOND - 1);
    expect(back.has(5)).toBe(true);
    back.passTo(12 * SECOND);
    expect(back.has(5)).toBe(false);
  });
});

describe("whoever leads on without its memory", () => {
  test("and is alone gives each lease the rest of its time, counted from when it last wrote", () => {
    const first = new Leadership();
    first.grant(5, 60);
    first.passTo(10 * SECOND);
    expect(first.renew(5)).toMatchObject({ kind: "renewed" });
    first.now = 40 * SECOND;
    const back = first.nextAlone(10 * SECOND);
    back.passTo(70 * SECOND - 1);
    expect(back.has(5)).toBe(true);
    back.passTo(70 * SECOND);
    expect(back.has(5)).toBe(false);
  });

  test("and is alone ends a long lease though it never stays for long, and is asked all the time", () => {
    let leader = new Leadership();
    leader.grant(5, 3_600);
    while (leader.has(5)) {
      expect(leader.now).toBeLessThan(3_600 * SECOND + 20 * SECOND);
      const writtenAt = leader.now;
      leader.now += 20 * SECOND;
      leader = leader.nextAlone(writtenAt);
      leader.passTo(leader.now);
      leader.turn();
    }
    expect(leader.now).toBeGreaterThanOrEqual(3_600 * SECOND);
  });

  test("ends a long lease though it sleeps, and is woken, all the time", () => {
    let leader = new Leadership();
    leader.grant(5, 3_600);
    let at = 0;
    for (; leader.has(5) && at < 10_000 * SECOND; at += 60 * SECOND) {
      leader.now = at + 60 * SECOND;
      leader = leader.next(at);
      leader.turn();
    }
    expect(at).toBeGreaterThanOrEqual(3_600 * SECOND);
    expect(at).toBeLessThan(3_700 * SECOND);
  });

  test("notes a bounded number of leases, the next to end first", () => {
    const leader = new Leadership();
    const count = LIMITS.leaseRestsNotedMax + 10;
    for (let id = 1; id <= count; id += 1) leader.grant(id, 10_000 - id);
    leader.now = 60 * SECOND;
    const back = leader.nextAlone(0 + 1);
    back.turn();
    expect(back.written).toBe(1);
    const noted = (id: number) => (back.store.machine.leases.get(BigInt(id))?.remainingMs ?? 0n) > 0n;
    expect(noted(count)).toBe(true);
    expect(noted(11)).toBe(true);
    expect(noted(10)).toBe(false);
  });

  test("and was not alone knows nothing of what was renewed", () => {
    const first = new Leadership();
    first.grant(5, 60);
    first.now = 30 * SECOND;
    const back = first.next();
    back.passTo(91 * SECOND - 1);
    expect(back.has(5)).toBe(true);
  });
});

describe("whoever does not lead", () => {
  test("renews nothing, ends nothing and has no time to keep", () => {
    const leader = new Leadership();
    leader.grant(5, 10);
    leader.isLeader = false;
    leader.turn();
    expect(leader.renew(5)).toEqual({ kind: "not-leader" });
    expect(leader.lessor.deadline()).toBeNull();
    leader.passTo(60 * SECOND);
    leader.turn();
    expect(leader.has(5)).toBe(true);
  });
});

describe("many leases", () => {
  const COUNT = 5_000;

  function withMany(ttlSeconds: number): Leadership {
    const leader = new Leadership();
    leader.apply(create(CommandSchema));
    for (let from = 1; from <= COUNT; from += 500) {
      leader.store.apply(...Array.from({ length: 500 }, (_, i) => grantOf(from + i, ttlSeconds)));
    }
    leader.turn();
    return leader;
  }

  test("are read page by page, and each is found before its page was read", () => {
    const leader = withMany(100).next();
    expect(leader.lessor.list()).toBeNull();
    expect(leader.lessor.deadline()).toBe(leader.now);
    expect(leader.renew(COUNT)).toEqual({ kind: "renewed", ttlMs: 100 * SECOND });
    expect(leader.renew(COUNT + 1)).toEqual({ kind: "unknown" });
    let turns = 0;
    for (; leader.lessor.list() === null; turns += 1) leader.turn();
    expect(turns).toBe(Math.floor(COUNT / LIMITS.leasesLoadedPerTurn));
    expect(leader.lessor.list()).toHaveLength(COUNT);
  });

  test("end at a bounded rate when they end at once", () => {
    // Too short for a checkpoint.
    const leader = withMany(4);
    leader.passTo(4 * SECOND);
    expect(leader.written).toBe(LIMITS.leaseRevokesMax);
    leader.passTo(5 * SECOND);
    expect(leader.written).toBe(3 * LIMITS.leaseRevokesMax);
    leader.passTo(30 * SECOND);
    expect(leader.store.machine.leases.count).toBe(0);
    expect(leader.lessor.deadline()).toBeNull();
  });

  test("of a backup begin when all of it is there, however long it has been on its way", () => {
    const store = new Store();
    const leader = new Leadership(store, 20 * SECOND, 1, 10 * SECOND);
    leader.isRestoring = true;
    leader.grant(1, 30);
    expect([leader.lessor.deadline(), leader.lessor.remainingMs(1n)]).toEqual([null, null]);
    leader.passTo(60 * SECOND);
    leader.isRestoring = false;
    leader.turn();
    expect(leader.lessor.remainingMs(1n)).toBe(30 * SECOND + ELECTION_MS);
    leader.passTo(89 * SECOND);
    expect(leader.has(1)).toBe(true);
    leader.passTo(92 * SECOND);
    expect(leader.has(1)).toBe(false);
  });

  test("are listed in the order in which they end", () => {
    const leader = new Leadership();
    leader.grant(1, 30);
    leader.grant(2, 10);
    leader.grant(3, 20);
    expect(leader.lessor.list()).toEqual([2n, 3n, 1n]);
    leader.passTo(5 * SECOND);
    leader.renew(2);
    leader.apply(leader.expiryOf(3n));
    expect(leader.lessor.list()).toEqual([2n, 1n]);
    expect(leader.lessor.remainingMs(2n)).toBe(10 * SECOND);
  });
});
