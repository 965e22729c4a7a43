import { create } from "@bufbuild/protobuf";
import { hexId } from "../../base/hash64.ts";
import { type MemberRecord, MemberRecordSchema } from "../../wire/gen/edged_pb.ts";
import { type Member, MemberSchema } from "../../wire/gen/etcd/rpc_pb.ts";

/** A member as the group has agreed on it. */
export interface MemberInfo {
  /** 16 hex digits. Never used for another member. */
  readonly id: string;
  /** Unique among the present members; a later member may have the name of a former one. */
  readonly name: string;
  readonly peerUrls: readonly string[];
  readonly isLearner: boolean;
  readonly hint: string;
  readonly binding: string;
  /** One of the first members, whose object has no id in its name. */
  readonly isFounder: boolean;
  /** Its leader has seen it keep up. Before, etcd lists it without a name. */
  readonly isStarted: boolean;
}

/** What it takes to call a member. */
export type MemberLocation = Pick<MemberInfo, "id" | "name" | "hint" | "binding" | "isFounder">;

/** Who the members are. A new value for every change. */
export interface Membership {
  /** Counts the changes; 0 while nothing is recorded, which means: those who founded the cluster. */
  readonly version: number;
  /** By id. */
  readonly members: readonly MemberInfo[];
  /** Ids of the newest former members, oldest first. */
  readonly removed: readonly string[];
  /**
   * Where those are. Until a configuration without them is committed, whoever wants to lead needs their
   * votes, and must find them with nothing but its own database.
   */
  readonly former: readonly MemberLocation[];
}

export const NO_MEMBERSHIP: Membership = { version: 0, members: [], removed: [], former: [] };

export function sortedById(members: readonly MemberInfo[]): readonly MemberInfo[] {
  return [...members].sort((a, b) => (a.id < b.id ? -1 : 1));
}

export function fromRecord(record: MemberRecord): MemberInfo {
  return {
    id: hexId(record.id),
    name: record.name,
    peerUrls: record.peerUrls,
    isLearner: record.isLearner,
    hint: record.locationHint,
    binding: record.binding,
    isFounder: record.founder,
    isStarted: record.started,
  };
}

export function toRecord(member: MemberInfo): MemberRecord {
  return create(MemberRecordSchema, {
    id: BigInt(`0x${member.id}`),
    name: member.name,
    peerUrls: [...member.peerUrls],
    isLearner: member.isLearner,
    locationHint: member.hint,
    binding: member.binding,
    founder: member.isFounder,
    started: member.isStarted,
  });
}

export function locationFromRecord(record: MemberRecord): MemberLocation {
  const { id, name, hint, binding, isFounder } = fromRecord(record);
  return { id, name, hint, binding, isFounder };
}

export function locationToRecord(location: MemberLocation): MemberRecord {
  return toRecord({ ...location, peerUrls: [], isLearner: false, isStarted: false });
}

/** As etcd lists it: without a name until it has started. Where clients reach it, the gateway knows. */
export function toEtcd(member: MemberInfo): Member {
  return create(MemberSchema, {
    ID: BigInt(`0x${member.id}`),
    name: member.isStarted ? member.name : "",
    peerURLs: [...member.peerUrls],
    isLearner: member.isLearner,
  });
}
