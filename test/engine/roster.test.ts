/** Who can be called: the members, and those that were removed and may still be needed. */

import { create } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { Peers } from "../../src/engine/peers.ts";
import type { MemberPlace } from "../../src/engine/replica-api.ts";
import { Roster } from "../../src/engine/roster.ts";
import { changeMembers } from "../../src/mvcc/member/member-change.ts";
import type { Membership } from "../../src/mvcc/member/membership.ts";
import { MemberAddRequestSchema, MemberRemoveRequestSchema } from "../../src/wire/gen/etcd/rpc_pb.ts";

const FOUNDER: MemberPlace = {
  id: "1".repeat(16),
  name: "r1",
  isFounder: true,
  hint: "enam",
  binding: "REPLICA",
  serves: true,
};

/** The records after a later member came and was removed again, and its id. */
function afterRemoval(): { readonly membership: Membership; readonly id: string } {
  const { serves: _, ...location } = FOUNDER;
  const founder = { ...location, peerUrls: ["edged://r1"], isLearner: false, isStarted: true };
  const before: Membership = { version: 1, members: [founder], removed: [], former: [] };
  const peerURLs = ["edged://n5?region=oc"];
  const added = changeMembers(
    before,
    { case: "memberAdd", value: create(MemberAddRequestSchema, { peerURLs }) },
    7,
  );
  if (!added.ok) throw new Error(added.error);
  const { next, member } = added.value;
  const ID = BigInt(`0x${member.id}`);
  const removed = changeMembers(
    next,
    { case: "memberRemove", value: create(MemberRemoveRequestSchema, { ID }) },
    8,
  );
  if (!removed.ok) throw new Error(removed.error);
  return { membership: removed.value.next, id: member.id };
}

describe("a later member that the records removed, and that a configuration may still count", () => {
  const { membership, id } = afterRemoval();

  test("is found by a replica that was started anew", () => {
    const roster = new Roster([FOUNDER], () => membership);
    expect(roster.members.map(({ name }) => name)).toEqual(["r1"]);
    expect(roster.placeOf(id)).toEqual({
      id,
      name: "n5",
      isFounder: false,
      hint: "oc",
      binding: "REPLICA",
      serves: false,
    });
  });

  test("says where it is though its own records have it no more", () => {
    const identity = {
      cluster: "c",
      clusterId: "2".repeat(16),
      member: "n5",
      memberId: id,
      incarnation: "i",
    };
    const peers = new Peers(identity, new Roster([FOUNDER], () => membership), new Map());
    expect(peers.addressTo(FOUNDER.id).origin).toMatchObject({ id, name: "n5" });
  });
});

test("whoever was never heard of has no place", () => {
  const roster = new Roster([FOUNDER], () => afterRemoval().membership);
  expect(roster.placeOf("f".repeat(16))).toBeNull();
});
