import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  allMembers,
  checkTarget,
  isJoint,
  isVoter,
  leaveJoint,
  type MembershipTarget,
  nextConfiguration,
  simpleConfiguration,
} from "../../src/raft/configuration.ts";
import { ConfigurationLog } from "../../src/raft/configuration-log.ts";
import { hasQuorum } from "../../src/raft/quorum.ts";
import type { Configuration } from "../../src/raft/types.ts";

const ids = ["1", "2", "3", "4", "5"];

/** Each id is a voter, a learner or nothing; at least one voter. */
const target: fc.Arbitrary<MembershipTarget> = fc
  .array(fc.constantFrom("voter", "learner", "nothing"), { minLength: 5, maxLength: 5 })
  .map((parts) => ({
    voters: ids.filter((_, i) => parts[i] === "voter"),
    learners: ids.filter((_, i) => parts[i] === "learner"),
  }))
  .filter(({ voters }) => voters.length > 0);

const simple = target.map(({ voters, learners }) => simpleConfiguration(voters, learners));

function sorted({ voters, learners }: MembershipTarget): MembershipTarget {
  return { voters: [...voters].sort(), learners: [...learners].sort() };
}

describe("changing the membership", () => {
  test("ends at the target, by way of a joint configuration exactly when voters change", () => {
    fc.assert(
      fc.property(simple, target, (current, wanted) => {
        fc.pre(checkTarget(current, wanted) === null);
        const next = nextConfiguration(current, wanted);
        const votersChange = [...current.voters].sort().join() !== [...wanted.voters].sort().join();
        expect(isJoint(next)).toBe(votersChange);
        const end = votersChange ? leaveJoint(next) : next;
        expect(isJoint(end)).toBe(false);
        expect(sorted(end)).toEqual(sorted(wanted));
      }),
    );
  });

  test("never leaves two quorums that miss each other, at any step", () => {
    fc.assert(
      fc.property(simple, target, fc.subarray(ids), (current, wanted, some) => {
        fc.pre(checkTarget(current, wanted) === null);
        const next = nextConfiguration(current, wanted);
        const steps: Configuration[] = [current, next];
        if (isJoint(next)) steps.push(leaveJoint(next));
        for (let i = 1; i < steps.length; i += 1) {
          const [a, b] = [steps[i - 1], steps[i]];
          if (a === undefined || b === undefined) continue;
          const disjoint =
            hasQuorum(a, (id) => some.includes(id)) && hasQuorum(b, (id) => !some.includes(id));
          expect(disjoint).toBe(false);
        }
      }),
    );
  });

  test("replicates to everybody who was or will be a member, once", () => {
    fc.assert(
      fc.property(simple, target, (current, wanted) => {
        fc.pre(checkTarget(current, wanted) === null);
        const next = nextConfiguration(current, wanted);
        const members = allMembers(next);
        expect(new Set(members).size).toBe(members.length);
        const expected = new Set([
          ...wanted.voters,
          ...wanted.learners,
          ...(isJoint(next) ? current.voters : []),
        ]);
        expect(new Set(members)).toEqual(expected);
      }),
    );
  });

  test("a voter that becomes a learner votes until the joint configuration is left", () => {
    const joint = nextConfiguration(simpleConfiguration(["1", "2", "3"]), {
      voters: ["1", "2"],
      learners: ["3"],
    });
    expect(joint).toEqual({
      voters: ["1", "2"],
      votersOutgoing: ["1", "2", "3"],
      learners: [],
      learnersNext: ["3"],
    });
    expect(isVoter(joint, "3")).toBe(true);
    expect(isVoter(leaveJoint(joint), "3")).toBe(false);
  });

  test.each([
    ["no-voters", { voters: [], learners: ["1"] }],
    ["duplicate-member", { voters: ["1", "1"], learners: [] }],
    ["duplicate-member", { voters: ["1"], learners: ["1"] }],
    ["unchanged", { voters: ["3", "2", "1"], learners: [] }],
    ["too-many-members", { voters: ["1", "2", "3", "4", "5", "6", "7", "8", "9", "10"], learners: [] }],
  ])("is refused: %s", (problem, wanted) => {
    expect(checkTarget(simpleConfiguration(["1", "2", "3"]), wanted)).toBe(problem);
  });

  test("is refused while joint", () => {
    const joint = nextConfiguration(simpleConfiguration(["1"]), { voters: ["1", "2"], learners: [] });
    expect(checkTarget(joint, { voters: ["1"], learners: [] })).toBe("already-joint");
    expect(() => leaveJoint(simpleConfiguration(["1"]))).toThrow("only a joint configuration");
  });
});

describe("the configurations of a log", () => {
  const at = (index: number) => ({ index, configuration: simpleConfiguration([`v${index}`]) });

  function logOf(...indexes: number[]): ConfigurationLog {
    const log = new ConfigurationLog([at(0)]);
    for (const index of indexes) log.append(index, at(index).configuration);
    return log;
  }

  test("the newest is in force from its append on; truncation brings the one before back", () => {
    const log = logOf(3, 5);
    expect(log.latest).toEqual(at(5));
    expect(log.truncateFrom(6)).toBe(false);
    expect(log.truncateFrom(5)).toBe(true);
    expect(log.latest).toEqual(at(3));
    expect(log.truncateFrom(1)).toBe(true);
    expect(log.latest).toEqual(at(0));
  });

  test("each index has the newest at or below it; from lists that one and all later ones", () => {
    const log = logOf(3, 5);
    expect(log.at(2)).toEqual(at(0));
    expect(log.at(3)).toEqual(at(3));
    expect(log.at(9)).toEqual(at(5));
    expect(log.from(4)).toEqual([at(3), at(5)]);
    expect(log.from(5)).toEqual([at(5)]);
  });

  test("what only indexes below the applied one would need is forgotten", () => {
    const log = logOf(3, 5);
    log.applied(4);
    expect(log.at(4)).toEqual(at(3));
    expect(() => log.at(2)).toThrow("no configuration is known");
  });

  test("a snapshot replaces what came before it, and keeps what a kept suffix has", () => {
    const log = logOf(3, 5, 8);
    log.reset(at(4), 6);
    expect(log.from(4)).toEqual([at(4), at(8)]);
    log.reset(at(9), Number.POSITIVE_INFINITY);
    expect(log.from(9)).toEqual([at(9)]);
  });
});
