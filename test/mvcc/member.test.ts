/** The registry of members: what each request makes of it, and that ids are never used again. */
import { create, fromBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { LIMITS } from "../../src/base/limits.ts";
import type { ApplyOutcome } from "../../src/mvcc/apply-outcome.ts";
import { type MemberInfo, type Membership, toRecord } from "../../src/mvcc/member/membership.ts";
import { parsePeerUrls } from "../../src/mvcc/member/peer-url.ts";
import { chooseHint, chooseName } from "../../src/mvcc/member/placement.ts";
import { INITIAL_MVCC_STATE } from "../../src/mvcc/mvcc-state.ts";
import { createSchema } from "../../src/mvcc/schema.ts";
import { StateMachine } from "../../src/mvcc/state-machine.ts";
import { NodeSql } from "../../src/storage/node-sql.ts";
import { type Command, CommandSchema, MemberRecordSchema } from "../../src/wire/gen/edged_pb.ts";
import {
  MemberAddRequestSchema,
  MemberAddResponseSchema,
  MemberPromoteRequestSchema,
  MemberRemoveRequestSchema,
  MemberUpdateRequestSchema,
} from "../../src/wire/gen/etcd/rpc_pb.ts";
import { dataOf } from "./harness.ts";

function founder(id: string, name: string): MemberInfo {
  return {
    id,
    name,
    peerUrls: [`edged://${name}?region=enam`],
    isLearner: false,
    hint: "enam",
    binding: "REPLICA",
    isFounder: true,
    isStarted: true,
  };
}

const FOUNDERS = ["1", "2", "3"].map((digit) => founder(digit.repeat(16), `r${digit}`));

class Registry {
  readonly #sql = new NodeSql(":memory:");
  #machine: StateMachine;
  #index = 0;

  constructor() {
    createSchema(this.#sql);
    this.#machine = new StateMachine(this.#sql, INITIAL_MVCC_STATE);
  }

  get membership(): Membership {
    return this.#machine.registry.membership;
  }

  run(request: Command["request"]): ApplyOutcome {
    this.#index += 1;
    const command = create(CommandSchema, { founders: FOUNDERS.map(toRecord), request });
    const [outcome] = this.#machine.apply(this.#index, dataOf([command])).outcomes;
    if (outcome === undefined) throw new Error("one command, one outcome");
    return outcome;
  }

  /** The same rows, without what was in memory. */
  restart(): void {
    this.#machine = new StateMachine(this.#sql, this.#machine.state());
  }

  add(url: string, isLearner = false): ApplyOutcome {
    const value = create(MemberAddRequestSchema, { peerURLs: [url], isLearner });
    return this.run({ case: "memberAdd", value });
  }

  remove(id: string): ApplyOutcome {
    return this.run({ case: "memberRemove", value: create(MemberRemoveRequestSchema, { ID: hex(id) }) });
  }

  promote(id: string): ApplyOutcome {
    return this.run({ case: "memberPromote", value: create(MemberPromoteRequestSchema, { ID: hex(id) }) });
  }

  update(id: string, url: string): ApplyOutcome {
    const value = create(MemberUpdateRequestSchema, { ID: hex(id), peerURLs: [url] });
    return this.run({ case: "memberUpdate", value });
  }

  started(id: string): ApplyOutcome {
    return this.run({ case: "memberStarted", value: create(MemberRecordSchema, { id: hex(id) }) });
  }

  named(name: string): MemberInfo {
    const found = this.membership.members.find((member) => member.name === name);
    if (found === undefined) throw new Error(`nobody is called ${name}`);
    return found;
  }
}

function hex(id: string): bigint {
  return BigInt(`0x${id}`);
}

function rejected(error: string): object {
  return { kind: "rejected", error };
}

describe("members", () => {
  test("the first change puts the founders on record", () => {
    const registry = new Registry();
    expect(registry.membership).toEqual({ version: 0, members: [], removed: [], former: [] });
    expect(registry.add("edged://r4?region=weur")).toMatchObject({ kind: "applied", revision: 1 });
    expect(registry.membership.version).toBe(1);
    expect(registry.membership.members).toEqual(expect.arrayContaining(FOUNDERS));
    expect(registry.named("r4")).toMatchObject({ hint: "weur", isFounder: false, isStarted: false });
    const before = registry.membership;
    registry.restart();
    expect(registry.membership).toEqual(before);
  });

  test("a refused change leaves nothing", () => {
    const registry = new Registry();
    expect(registry.remove("f".repeat(16))).toMatchObject(rejected("memberNotFound"));
    expect(registry.membership.version).toBe(0);
  });

  test.each([
    ["no URL", [], "badMemberUrls"],
    ["no port", ["http://10.0.0.1"], "badMemberUrls"],
    ["a path", ["http://10.0.0.1:2380/x"], "badMemberUrls"],
    ["twice the same", ["http://a:1", "http://a:1"], "badMemberUrls"],
    ["an unknown region", ["edged://x?region=mars"], "badMemberUrls"],
    ["no name", ["edged://?region=oc"], "badMemberUrls"],
    ["a name with capitals", ["edged://X"], "badMemberUrls"],
    ["two places at once", ["edged://x", "edged://y"], "badMemberUrls"],
    ["an unknown parameter", ["edged://x?hint=oc"], "badMemberUrls"],
    ["a name that is taken", ["edged://r1?region=oc"], "memberExists"],
    ["a URL that is taken", ["edged://r9?region=oc", "http://a:1"], null],
  ])("an added member with %s", (_what, peerURLs, error) => {
    const registry = new Registry();
    const value = create(MemberAddRequestSchema, { peerURLs });
    const outcome = registry.run({ case: "memberAdd", value });
    expect(outcome).toMatchObject(error === null ? { kind: "applied" } : rejected(error));
  });

  test("URLs are used once; at once the refusal is etcd's for an id it made twice", () => {
    const registry = new Registry();
    registry.add("http://a:1");
    expect(registry.add("http://a:1")).toMatchObject(rejected("memberExists"));
    registry.started(registry.named("m1").id);
    expect(registry.add("http://a:1")).toMatchObject(rejected("peerUrlExists"));
    registry.add("http://b:1");
    expect(registry.update(registry.named("m2").id, "http://a:1")).toMatchObject(rejected("peerUrlExists"));
    expect(registry.update(registry.named("m2").id, "http://c:1")).toMatchObject({ kind: "applied" });
    expect(registry.named("m2").peerUrls).toEqual(["http://c:1"]);
    expect(registry.update(registry.named("m2").id, "nonsense")).toMatchObject(rejected("badMemberUrls"));
    // Who is meant comes first.
    expect(registry.update("f".repeat(16), "nonsense")).toMatchObject(rejected("memberNotFound"));
  });

  test("one learns at a time; a voter cannot be promoted", () => {
    const registry = new Registry();
    registry.add("http://a:1", true);
    expect(registry.add("http://b:1", true)).toMatchObject(rejected("tooManyLearners"));
    const { id } = registry.named("m1");
    expect(registry.promote(id)).toMatchObject({ kind: "applied" });
    expect(registry.named("m1")).toMatchObject({ isLearner: false, isStarted: true });
    expect(registry.promote(id)).toMatchObject(rejected("memberNotLearner"));
  });

  test("there are so many members at most, and one voter at least", () => {
    const registry = new Registry();
    for (let i = FOUNDERS.length; i < LIMITS.membersMax; i += 1) registry.add(`http://h${i}:1`);
    expect(registry.add("http://more:1")).toMatchObject(rejected("tooManyMembers"));
    const voters = [...registry.membership.members];
    const last = voters.pop();
    registry.remove(voters.pop()?.id ?? "");
    registry.add("http://learner:1", true);
    for (const { id } of voters) expect(registry.remove(id)).toMatchObject({ kind: "applied" });
    expect(registry.remove(last?.id ?? "")).toMatchObject(rejected("memberNotEnoughStarted"));
  });

  test("a name may come again, an id never; former members are remembered, the newest so many", () => {
    const registry = new Registry();
    const ids = new Set(FOUNDERS.map(({ id }) => id));
    for (let i = 0; i < LIMITS.formerMembersMax + 5; i += 1) {
      const answer = registry.add("edged://again?region=oc");
      expect(answer.kind).toBe("applied");
      const { id } = registry.named("again");
      expect(ids.has(id)).toBe(false);
      ids.add(id);
      if (answer.kind === "applied") {
        expect(fromBinary(MemberAddResponseSchema, answer.response).member?.ID).toBe(hex(id));
      }
      registry.remove(id);
      expect(registry.membership.removed.at(-1)).toBe(id);
    }
    expect(registry.membership.removed.length).toBe(LIMITS.formerMembersMax);
    expect(registry.membership.former.length).toBe(LIMITS.formerMembersMax);
    registry.restart();
    expect(registry.membership.removed.length).toBe(LIMITS.formerMembersMax);
  });

  test("where a former member is stays on record: it may still be needed for a quorum", () => {
    const registry = new Registry();
    registry.add("edged://r4?region=weur&binding=REPLICA_2");
    const later = registry.named("r4");
    registry.remove(later.id);
    registry.remove(FOUNDERS[0]?.id ?? "");
    const expected = [
      { id: later.id, name: "r4", hint: "weur", binding: "REPLICA_2", isFounder: false },
      { id: FOUNDERS[0]?.id, name: "r1", hint: "enam", binding: "REPLICA", isFounder: true },
    ];
    expect(registry.membership.former).toEqual(expected);
    registry.restart();
    expect(registry.membership.former).toEqual(expected);
    expect(registry.membership.former.map(({ id }) => id)).toEqual(registry.membership.removed);
  });

  test("replicas that apply the same have the same members", () => {
    const change = fc.tuple(fc.nat(4), fc.nat(8), fc.nat(5), fc.boolean());
    fc.assert(
      fc.property(fc.array(change, { maxLength: 30 }), (changes) => {
        const [one, other] = [new Registry(), new Registry()];
        for (const [what, who, url, flag] of changes) {
          const known = one.membership.version === 0 ? FOUNDERS : one.membership.members;
          const id = known[who % known.length]?.id ?? "";
          const outcomes = [one, other].map((registry) => {
            if (what === 0) return registry.add(`edged://n${url}`, flag);
            if (what === 1) return registry.remove(id);
            if (what === 2) return registry.promote(id);
            if (what === 3) return registry.update(id, `http://u${url}:1`);
            return registry.started(id);
          });
          expect(outcomes[0]).toEqual(outcomes[1]);
          if (flag) other.restart();
        }
        expect(one.membership).toEqual(other.membership);
        const { members } = one.membership;
        expect(new Set(members.map(({ name }) => name)).size).toBe(members.length);
        expect(members.filter(({ isLearner }) => isLearner).length).toBeLessThanOrEqual(LIMITS.learnersMax);
        expect(members.length === 0 || members.some(({ isLearner }) => !isLearner)).toBe(true);
      }),
      { numRuns: 100 },
    );
  });
});

test("a place is chosen where fewest are", () => {
  const at = (...hints: readonly string[]): Membership => ({
    version: 1,
    members: hints.map((hint, i) => ({ ...founder(String(i).repeat(16), `m${i + 1}`), hint })),
    removed: [],
    former: [],
  });
  expect(chooseHint(at())).toBe("wnam");
  expect(chooseHint(at("wnam", "enam", "weur"))).toBe("eeur");
  expect(chooseHint(at("wnam", "enam", "weur", "eeur", "apac-ne", "apac-se", "oc"))).toBe("wnam");
  expect(chooseName(at("oc", "oc"))).toBe("m3");
});

test("what a peer URL asks for", () => {
  expect(parsePeerUrls(["edged://a-1?region=oc&binding=R_2"])).toEqual({
    name: "a-1",
    hint: "oc",
    binding: "R_2",
  });
  expect(parsePeerUrls(["http://[::1]:2380", "https://etcd.example.com:2380"])).toEqual({
    name: null,
    hint: null,
    binding: null,
  });
});
