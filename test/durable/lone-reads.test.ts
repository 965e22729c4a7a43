/** Reads of a lone voter, whose database writes are counted: those that come together share one. */
import { expect, test } from "vitest";
import { leading, settled } from "./lone-voter.ts";

test("a read that comes alone is answered at once, behind a write of its own", async () => {
  const voter = await leading();
  for (let i = 1; i <= 3; i += 1) {
    const replies = voter.read(1);
    await settled();
    expect(replies).toMatchObject([{ kind: "range" }]);
    expect(voter.writes).toBe(i);
    await voter.fire();
    expect(voter.writes).toBe(i);
  }
});

test("reads that come while a fence is being written share the next one", async () => {
  const voter = await leading();
  const first = voter.read(1);
  const others = voter.read(31);
  await settled();
  expect([first.length, others.length, voter.writes]).toEqual([1, 0, 1]);
  await voter.fire();
  expect(others.map(({ kind }) => kind)).toEqual(Array.from({ length: 31 }, () => "range"));
  expect(voter.writes).toBe(2);
  // Nothing of this outlives the memory: an alarm for it would be a second write.
  expect(voter.alarms).toBe(0);
});

test("who only waits for a revision, or for nothing, writes nothing", async () => {
  const voter = await leading();
  const replies = voter.read(5, { consistency: "serializable" });
  await settled();
  expect([replies.length, voter.writes]).toEqual([5, 0]);
});

test("who may be told older state is told it without a write, as long as it is known to be no older", async () => {
  const voter = await leading();
  voter.read(1);
  await voter.fire();
  voter.pass(200);
  const young = voter.read(2, { maxStalenessMs: 200 });
  await settled();
  expect([young.length, voter.writes]).toEqual([2, 1]);
  voter.pass(1);
  const old = voter.read(1, { maxStalenessMs: 200 });
  await settled();
  expect([old.length, voter.writes]).toEqual([1, 2]);
  await voter.fire();
  // That one asked anew.
  voter.read(5, { maxStalenessMs: 1 });
  await settled();
  expect(voter.writes).toBe(2);
});

test("a clock that was set back says nothing of how old the state is", async () => {
  const voter = await leading();
  voter.read(1);
  await voter.fire();
  voter.pass(-1);
  const replies = voter.read(1, { maxStalenessMs: 3_600_000 });
  await settled();
  expect([replies.length, voter.writes]).toEqual([1, 2]);
});
