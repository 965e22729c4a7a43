/** The Cluster service. */
import {
  type Member,
  MemberAddRequestSchema,
  MemberAddResponseSchema,
  type MemberListRequest,
  MemberListRequestSchema,
  type MemberListResponse,
  MemberListResponseSchema,
  MemberPromoteRequestSchema,
  MemberPromoteResponseSchema,
  MemberRemoveRequestSchema,
  MemberRemoveResponseSchema,
  MemberUpdateRequestSchema,
  MemberUpdateResponseSchema,
  type ResponseHeader,
} from "../../wire/gen/etcd/rpc_pb.ts";
import type { V3Call, V3Outcome } from "./call.ts";
import { query, write } from "./exchange.ts";
import { unary, type V3Method } from "./method.ts";

/** Methods by their path below `/v3/`. */
export const CLUSTER_METHODS: Readonly<Record<string, V3Method>> = {
  "cluster/member/list": unary(MemberListRequestSchema, MemberListResponseSchema, list),
  "cluster/member/add": unary(MemberAddRequestSchema, MemberAddResponseSchema, async (call) => {
    const outcome = await write(call, { case: "memberAdd", value: call.request }, MemberAddResponseSchema);
    if (outcome.kind === "answered" && outcome.message.member !== undefined) {
      addClientUrls(call, [outcome.message.member]);
    }
    return finish(call, outcome);
  }),
  "cluster/member/remove": unary(MemberRemoveRequestSchema, MemberRemoveResponseSchema, async (call) =>
    finish(
      call,
      await write(call, { case: "memberRemove", value: call.request }, MemberRemoveResponseSchema),
    ),
  ),
  "cluster/member/update": unary(MemberUpdateRequestSchema, MemberUpdateResponseSchema, async (call) =>
    finish(
      call,
      await write(call, { case: "memberUpdate", value: call.request }, MemberUpdateResponseSchema),
    ),
  ),
  "cluster/member/promote": unary(MemberPromoteRequestSchema, MemberPromoteResponseSchema, async (call) =>
    finish(
      call,
      await write(call, { case: "memberPromote", value: call.request }, MemberPromoteResponseSchema),
    ),
  ),
};

/** A cluster that cannot confirm its members still tells whom it knows, as etcd 3.4 always does. */
async function list(call: V3Call<MemberListRequest>): Promise<V3Outcome<MemberListResponse>> {
  const request = { case: "memberList", value: call.request } as const;
  const confirmed = await query(call, request, "linearizable", MemberListResponseSchema);
  const mayBeOld = confirmed.kind === "refused" && confirmed.isTransient && !call.request.linearizable;
  const outcome = mayBeOld ? await query(call, request, "serializable", MemberListResponseSchema) : confirmed;
  return finish(call, outcome);
}

/** Answers about members tell no revision, and where clients reach each member that has started. */
function finish<Answer extends { header?: ResponseHeader | undefined; members: Member[] }>(
  call: V3Call<unknown>,
  outcome: V3Outcome<Answer>,
): V3Outcome<Answer> {
  if (outcome.kind === "refused") return outcome;
  const { message } = outcome;
  if (message.header !== undefined) message.header.revision = 0n;
  addClientUrls(call, message.members);
  return outcome;
}

/** Every gateway leads to every member. */
function addClientUrls({ services, baseUrl }: V3Call<unknown>, members: readonly Member[]): void {
  const { advertiseClientUrls } = services.config;
  const urls = advertiseClientUrls.length > 0 ? advertiseClientUrls : [baseUrl];
  for (const member of members) {
    if (member.name !== "") member.clientURLs = [...urls];
  }
}
