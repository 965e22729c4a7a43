/** Conditions on a whole group, read from `/status` and from each replica's own data. */
import { eventually } from "./eventually.ts";
import type { Content, GroupStatus, KvClient } from "./kv-client.ts";

/** Waits until exactly one of `members` leads, and all of them follow it in its term. */
export async function untilLed(client: KvClient, members: readonly string[]): Promise<GroupStatus> {
  let last: GroupStatus | null = null;
  return eventually(
    `${members.join(", ")} follow one leader of theirs`,
    async () => {
      last = await client.status();
      return isLed(last, members) ? last : null;
    },
    () => last,
  );
}

function isLed({ members }: GroupStatus, names: readonly string[]): boolean {
  const asked = members.filter(({ name }) => names.includes(name));
  const leaders = asked.filter(({ role }) => role === "leader");
  const [leader] = leaders;
  return (
    leader !== undefined &&
    leaders.length === 1 &&
    asked.every((member) => member.leader === leader.name && member.term === leader.term)
  );
}

/** The leader that all of `members` follow. */
export async function leaderOf(client: KvClient, members: readonly string[]): Promise<string> {
  const { members: all } = await untilLed(client, members);
  const leader = all.find(({ name, role }) => role === "leader" && members.includes(name));
  if (leader === undefined) throw new Error("a led group has a leader");
  return leader.name;
}

/**
 * Waits until every one of `members` has applied everything, then compares what each has in its own
 * database: keys, values, create and mod revisions, versions, the store's revision.
 */
export async function untilSame(client: KvClient, members: readonly string[]): Promise<Content> {
  let last: GroupStatus | null = null;
  await eventually(
    `${members.join(", ")} have applied the same`,
    async () => {
      last = await client.status();
      const asked = last.members.filter(({ name }) => members.includes(name));
      const ends = new Set(asked.flatMap(({ last_index, commit, applied }) => [last_index, commit, applied]));
      return isLed(last, members) && ends.size === 1 ? true : null;
    },
    () => last,
  );
  const contents = await Promise.all(members.map((member) => client.listLocal(member)));
  const [first] = contents;
  if (first === undefined) throw new Error("no members to compare");
  for (const [position, content] of contents.entries()) {
    if (JSON.stringify(content) !== JSON.stringify(first)) {
      throw new Error(
        `${members[position]} differs from ${members[0]}: ${JSON.stringify(content)} and ${JSON.stringify(first)}`,
      );
    }
  }
  return first;
}
