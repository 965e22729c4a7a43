/** `MemberList`: as the records of this replica have it. */
import { create, toBinary } from "@bufbuild/protobuf";
import { ok } from "../base/result.ts";
import { toEtcd } from "../mvcc/member/membership.ts";
import { peerUrl } from "../mvcc/member/peer-url.ts";
import { type Member, MemberListResponseSchema, MemberSchema } from "../wire/gen/etcd/rpc_pb.ts";
import type { EngineContext } from "./engine-context.ts";
import type { QueryResult } from "./query-result.ts";
import type { MemberPlace } from "./replica-api.ts";

export function answerMembers({ roster }: EngineContext): QueryResult {
  const { membership, founders } = roster;
  const members =
    membership.version > 0
      ? membership.members.map(toEtcd)
      : [...founders].sort((a, b) => (a.id < b.id ? -1 : 1)).map(founder);
  return ok(toBinary(MemberListResponseSchema, create(MemberListResponseSchema, { members })));
}

function founder({ id, name, hint }: MemberPlace): Member {
  return create(MemberSchema, { ID: BigInt(`0x${id}`), name, peerURLs: [peerUrl(name, hint)] });
}
