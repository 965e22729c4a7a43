import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { concatBytes, equalBytes } from "../../base/bytes.ts";
import { hexId } from "../../base/hash64.ts";
import { LIMITS } from "../../base/limits.ts";
import { ok, type Result } from "../../base/result.ts";
import type { ErrorKey } from "../../wire/errors.ts";
import {
  type Command,
  MemberRecordSchema,
  type MembershipRecord,
  MembershipRecordSchema,
} from "../../wire/gen/edged_pb.ts";
import {
  MemberAddResponseSchema,
  MemberPromoteResponseSchema,
  MemberRemoveResponseSchema,
  MemberUpdateResponseSchema,
} from "../../wire/gen/etcd/rpc_pb.ts";
import { SYSTEM_PREFIX, systemKey } from "../system-keys.ts";
import type { SystemTable } from "../system-table.ts";
import {
  changeMembers,
  effectiveMembership,
  type MemberChange,
  type MemberRequest,
} from "./member-change.ts";
import {
  fromRecord,
  locationFromRecord,
  locationToRecord,
  type Membership,
  NO_MEMBERSHIP,
  toEtcd,
  toRecord,
} from "./membership.ts";

const ID_BYTES = 8;
const AFTER_ALL = new Uint8Array(ID_BYTES + 1).fill(0xff);
const HEAD = systemKey(SYSTEM_PREFIX.membership);

/** The members of the group: records that every replica has, from which the leader makes configurations. */
export class MemberRegistry {
  readonly #system: SystemTable;
  /** The records, once they were read. */
  #known: Membership | null = null;

  constructor(system: SystemTable) {
    this.#system = system;
  }

  /** The same value until something changes. */
  get membership(): Membership {
    this.#known ??= this.#read();
    return this.#known;
  }

  /** Carries out the command's request. `sequence` is the command's number. The answer is the encoded response. */
  execute(command: Command, request: MemberRequest, sequence: number): Result<Uint8Array, ErrorKey> {
    const recorded = this.membership;
    const change = changeMembers(effectiveMembership(recorded, command), request, sequence);
    if (!change.ok) return change;
    this.#write(recorded, change.value.next);
    return ok(encodeAnswer(request, change.value));
  }

  #read(): Membership {
    const head = this.#system.get(HEAD);
    if (head === null) return NO_MEMBERSHIP;
    const { version, removed, former } = fromBinary(MembershipRecordSchema, head);
    const { member } = SYSTEM_PREFIX;
    const records = this.#system.page(member, concatBytes([member, AFTER_ALL]), LIMITS.membersMax);
    return {
      version: Number(version),
      members: records.map(({ value }) => fromRecord(fromBinary(MemberRecordSchema, value))),
      removed: removed.map(hexId),
      former: former.map(locationFromRecord),
    };
  }

  #write(before: Membership, next: Membership): void {
    for (const { id } of before.members) {
      if (!next.members.some((member) => member.id === id)) this.#system.delete(memberKey(id));
    }
    for (const member of next.members) {
      const key = memberKey(member.id);
      const value = toBinary(MemberRecordSchema, toRecord(member));
      const old = this.#system.get(key);
      if (old === null || !equalBytes(old, value)) this.#system.put(key, value);
    }
    this.#system.put(HEAD, toBinary(MembershipRecordSchema, headOf(next)));
    this.#known = next;
  }
}

function headOf({ version, removed, former }: Membership): MembershipRecord {
  return create(MembershipRecordSchema, {
    version: BigInt(version),
    removed: removed.map((id) => BigInt(`0x${id}`)),
    former: former.map(locationToRecord),
  });
}

function memberKey(id: string): Uint8Array {
  const name = new DataView(new ArrayBuffer(ID_BYTES));
  name.setBigUint64(0, BigInt(`0x${id}`));
  return systemKey(SYSTEM_PREFIX.member, new Uint8Array(name.buffer));
}

/** etcd's answers: all members as they are now. */
function encodeAnswer(request: MemberRequest, { next, member }: MemberChange): Uint8Array {
  const members = next.members.map(toEtcd);
  switch (request.case) {
    case "memberAdd":
      return toBinary(
        MemberAddResponseSchema,
        create(MemberAddResponseSchema, { member: toEtcd(member), members }),
      );
    case "memberRemove":
      return toBinary(MemberRemoveResponseSchema, create(MemberRemoveResponseSchema, { members }));
    case "memberUpdate":
      // etcd 3.4 forgets in this answer that the member is a learner.
      for (const listed of members) if (hexId(listed.ID) === member.id) listed.isLearner = false;
      return toBinary(MemberUpdateResponseSchema, create(MemberUpdateResponseSchema, { members }));
    case "memberPromote":
    case "memberStarted":
      return toBinary(MemberPromoteResponseSchema, create(MemberPromoteResponseSchema, { members }));
  }
}
