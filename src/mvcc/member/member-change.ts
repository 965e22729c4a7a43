/** What a request makes of the membership. The leader asks before it proposes, every replica as it applies. */
import { hexId } from "../../base/hash64.ts";
import { LIMITS } from "../../base/limits.ts";
import { err, ok, type Result } from "../../base/result.ts";
import type { ErrorKey } from "../../wire/errors.ts";
import type { Command } from "../../wire/gen/edged_pb.ts";
import type {
  MemberAddRequest,
  MemberPromoteRequest,
  MemberRemoveRequest,
  MemberUpdateRequest,
} from "../../wire/gen/etcd/rpc_pb.ts";
import { fromRecord, type MemberInfo, type Membership, sortedById } from "./membership.ts";
import { parsePeerUrls } from "./peer-url.ts";
import { chooseBinding, chooseHint, chooseId, chooseName } from "./placement.ts";

export type MemberRequest = Extract<
  Command["request"],
  { case: "memberAdd" | "memberRemove" | "memberUpdate" | "memberPromote" | "memberStarted" }
>;

export interface MemberChange {
  readonly next: Membership;
  /** The member that the request is about, as it is afterwards; before, if it was removed. */
  readonly member: MemberInfo;
}

export function isMemberRequest(request: Command["request"]): request is MemberRequest {
  switch (request.case) {
    case "memberAdd":
    case "memberRemove":
    case "memberUpdate":
    case "memberPromote":
    case "memberStarted":
      return true;
    default:
      return false;
  }
}

/** Why a request is wrong whoever the members are, or null. Source: etcd `api/v3rpc/member.go`. */
export function validateMemberRequest(request: MemberRequest): ErrorKey | null {
  return request.case === "memberAdd" && parsePeerUrls(request.value.peerURLs) === null
    ? "badMemberUrls"
    : null;
}

/** The membership that counts while none is recorded: the founders that the command brings along. */
export function effectiveMembership(recorded: Membership, command: Command): Membership {
  if (recorded.version > 0) return recorded;
  return { version: 0, members: sortedById(command.founders.map(fromRecord)), removed: [], former: [] };
}

/** `sequence` is the number of the command, from which a new member's id is made. */
export function changeMembers(
  before: Membership,
  request: MemberRequest,
  sequence: number,
): Result<MemberChange, ErrorKey> {
  switch (request.case) {
    case "memberAdd":
      return add(before, request.value, sequence);
    case "memberRemove":
      return remove(before, request.value);
    case "memberUpdate":
      return update(before, request.value);
    case "memberPromote":
      return promote(before, request.value);
    case "memberStarted":
      return replace(before, request.value.id, (member) => ok({ ...member, isStarted: true }));
  }
}

function add(
  before: Membership,
  { peerURLs, isLearner }: MemberAddRequest,
  sequence: number,
): Result<MemberChange, ErrorKey> {
  const placement = parsePeerUrls(peerURLs);
  if (placement === null) return err("badMemberUrls");
  const { members } = before;
  for (const member of members) {
    if (member.name === placement.name) return err("memberExists");
    const shared = member.peerUrls.filter((url) => peerURLs.includes(url)).length;
    // etcd makes the id from the URLs and the second: at once it is the same one, later another.
    if (shared === peerURLs.length && !member.isStarted) return err("memberExists");
    if (shared > 0) return err("peerUrlExists");
  }
  const learners = members.filter((member) => member.isLearner).length;
  if (isLearner && learners >= LIMITS.learnersMax) return err("tooManyLearners");
  if (members.length >= LIMITS.membersMax) return err("tooManyMembers");
  const name = placement.name ?? chooseName(before);
  const member: MemberInfo = {
    id: chooseId(before, name, sequence),
    name,
    peerUrls: peerURLs,
    isLearner,
    hint: placement.hint ?? chooseHint(before),
    binding: placement.binding ?? chooseBinding(before),
    isFounder: false,
    isStarted: false,
  };
  return ok({ next: following(before, [...members, member]), member });
}

function remove(before: Membership, { ID }: MemberRemoveRequest): Result<MemberChange, ErrorKey> {
  const member = find(before, ID);
  if (member === null) return err("memberNotFound");
  const rest = before.members.filter((other) => other !== member);
  // A cluster without members could not even say so.
  if (!rest.some((other) => !other.isLearner)) return err("memberNotEnoughStarted");
  const { id, name, hint, binding, isFounder } = member;
  const removed = [...before.removed, id].slice(-LIMITS.formerMembersMax);
  const former = [...before.former, { id, name, hint, binding, isFounder }].slice(-LIMITS.formerMembersMax);
  return ok({ next: { ...following(before, rest), removed, former }, member });
}

function update(before: Membership, { ID, peerURLs }: MemberUpdateRequest): Result<MemberChange, ErrorKey> {
  return replace(before, ID, (member) => {
    if (parsePeerUrls(peerURLs) === null) return err("badMemberUrls");
    const taken = before.members.some(
      (other) => other !== member && other.peerUrls.some((url) => peerURLs.includes(url)),
    );
    return taken ? err("peerUrlExists") : ok({ ...member, peerUrls: peerURLs });
  });
}

function promote(before: Membership, { ID }: MemberPromoteRequest): Result<MemberChange, ErrorKey> {
  return replace(before, ID, (member) =>
    member.isLearner ? ok({ ...member, isLearner: false, isStarted: true }) : err("memberNotLearner"),
  );
}

function replace(
  before: Membership,
  id: bigint,
  change: (member: MemberInfo) => Result<MemberInfo, ErrorKey>,
): Result<MemberChange, ErrorKey> {
  const member = find(before, id);
  if (member === null) return err("memberNotFound");
  const changed = change(member);
  if (!changed.ok) return changed;
  const members = before.members.map((other) => (other === member ? changed.value : other));
  return ok({ next: following(before, members), member: changed.value });
}

function find({ members }: Membership, id: bigint): MemberInfo | null {
  const wanted = hexId(id);
  return members.find((member) => member.id === wanted) ?? null;
}

function following(before: Membership, members: readonly MemberInfo[]): Membership {
  const { version, removed, former } = before;
  return { version: version + 1, members: sortedById(members), removed, former };
}
