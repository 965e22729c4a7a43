import fc from "fast-check";
import { expect, test } from "vitest";
import { hasQuorum, majority, quorumReached, voteResult } from "../../src/raft/quorum.ts";
import type { Configuration } from "../../src/raft/types.ts";

const ids = ["1", "2", "3", "4", "5", "6", "7"];
const half = fc.subarray(ids);
const nonEmptyHalf = fc.subarray(ids, { minLength: 1 });

const anyConfiguration: fc.Arbitrary<Configuration> = fc
  .tuple(nonEmptyHalf, half, half)
  .map(([voters, votersOutgoing, learners]) => ({ voters, votersOutgoing, learners, learnersNext: [] }));

/** The definition, by trying all sets: more than half of each half that is not empty. */
function isQuorum({ voters, votersOutgoing }: Configuration, members: readonly string[]): boolean {
  return [voters, votersOutgoing].every(
    (list) => list.length === 0 || list.filter((id) => members.includes(id)).length * 2 > list.length,
  );
}

test.each([
  [1, 1],
  [2, 2],
  [3, 2],
  [4, 3],
  [5, 3],
  [6, 4],
  [7, 4],
])("a majority of %i is %i", (count, needed) => {
  expect(majority(count)).toBe(needed);
});

test("a quorum is a majority of each half, learners never count", () => {
  fc.assert(
    fc.property(anyConfiguration, half, (configuration, members) => {
      expect(hasQuorum(configuration, (id) => members.includes(id))).toBe(isQuorum(configuration, members));
    }),
  );
});

test("the index reached is the highest that a quorum has", () => {
  const reached = fc.array(fc.nat(9), { minLength: 7, maxLength: 7 });
  fc.assert(
    fc.property(anyConfiguration, reached, (configuration, indexes) => {
      const indexOf = (id: string) => indexes[ids.indexOf(id)] ?? 0;
      let naive = 0;
      for (let index = 1; index <= 9; index += 1) {
        if (
          isQuorum(
            configuration,
            ids.filter((id) => indexOf(id) >= index),
          )
        )
          naive = index;
      }
      expect(quorumReached(configuration, indexOf)).toBe(naive);
    }),
  );
});

test("a vote is won with a quorum of grants, lost when no answers still out could make one", () => {
  const ballots = fc.array(fc.constantFrom(true, false, null), { minLength: 7, maxLength: 7 });
  fc.assert(
    fc.property(anyConfiguration, ballots, (configuration, answers) => {
      const votes = new Map<string, boolean>();
      ids.forEach((id, i) => {
        const answer = answers[i] ?? null;
        if (answer !== null) votes.set(id, answer);
      });
      const granted = ids.filter((id) => votes.get(id) === true);
      const possible = ids.filter((id) => votes.get(id) !== false);
      let naive = "pending";
      if (isQuorum(configuration, granted)) naive = "won";
      else if (!isQuorum(configuration, possible)) naive = "lost";
      expect(voteResult(configuration, votes)).toBe(naive);
    }),
  );
});

test("any two quorums of one configuration meet", () => {
  fc.assert(
    fc.property(anyConfiguration, half, (configuration, members) => {
      const others = ids.filter((id) => !members.includes(id));
      expect(isQuorum(configuration, members) && isQuorum(configuration, others)).toBe(false);
    }),
  );
});
