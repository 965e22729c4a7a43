/** The Election service: whoever is first below a name leads; its value is the candidate's. */
import { create } from "@bufbuild/protobuf";
import {
  type CampaignRequest,
  CampaignRequestSchema,
  type CampaignResponse,
  CampaignResponseSchema,
  type LeaderKey,
  type LeaderRequest,
  LeaderRequestSchema,
  type LeaderResponse,
  LeaderResponseSchema,
  type ProclaimRequest,
  ProclaimRequestSchema,
  type ProclaimResponse,
  ProclaimResponseSchema,
  type ResignRequest,
  ResignRequestSchema,
  type ResignResponse,
  ResignResponseSchema,
} from "../../../wire/gen/etcd/election_pb.ts";
import type { V3Call, V3Outcome } from "../call.ts";
import { range } from "../kv.ts";
import { unary, type V3Method } from "../method.ts";
import { refusedFor } from "../refusal.ts";
import { campaignFor, fencingHeaders } from "./campaign.ts";
import { firstRequest, leave, rewrite } from "./candidacy.ts";
import { asUnknown, innerCall } from "./inner-call.ts";
import { OBSERVE } from "./observe.ts";

/** etcd's words for it. */
const EXPIRED = "election: session expired before becoming leader";

export const ELECTION_METHODS: Readonly<Record<string, V3Method>> = {
  "election/campaign": { ...unary(CampaignRequestSchema, CampaignResponseSchema, campaign), mayWait: true },
  "election/proclaim": unary(ProclaimRequestSchema, ProclaimResponseSchema, proclaim),
  "election/leader": unary(LeaderRequestSchema, LeaderResponseSchema, leader),
  "election/observe": OBSERVE,
  "election/resign": unary(ResignRequestSchema, ResignResponseSchema, resign),
};

/** As in etcd, the header is that of the candidate's entry, however long it waited. */
async function campaign(call: V3Call<CampaignRequest>): Promise<V3Outcome<CampaignResponse>> {
  const { name, lease, value } = call.request;
  const won = await campaignFor(call, { name, lease, value, expiredText: EXPIRED });
  if (!won.ok) return won.error;
  const { candidacy, entry, turn } = won.value;
  const { key, createRevision: rev, session } = candidacy;
  const message = create(CampaignResponseSchema, {
    header: entry.header,
    leader: { name, key, rev, lease: session.lease },
  });
  return { kind: "answered", message, origin: turn.origin, headers: fencingHeaders(candidacy) };
}

async function proclaim(call: V3Call<ProclaimRequest>): Promise<V3Outcome<ProclaimResponse>> {
  const { leader: held, value } = call.request;
  if (held === undefined) return refusedFor("missingLeaderKey");
  const outcome = await rewrite(call, placeOf(held), value);
  if (outcome.kind === "refused") return outcome;
  const { message, origin } = outcome;
  if (!message.succeeded) return refusedFor("electionNotLeader", origin);
  return { kind: "answered", message: create(ProclaimResponseSchema, { header: message.header }), origin };
}

async function leader(call: V3Call<LeaderRequest>): Promise<V3Outcome<LeaderResponse>> {
  const outcome = await range(innerCall(call, firstRequest(call.request.name)));
  if (outcome.kind === "refused") return asUnknown(outcome);
  const { message, origin } = outcome;
  const [kv] = message.kvs;
  if (kv === undefined) return refusedFor("electionNoLeader", origin);
  return { kind: "answered", message: create(LeaderResponseSchema, { header: message.header, kv }), origin };
}

/** A place that is not held any more is left already. */
async function resign(call: V3Call<ResignRequest>): Promise<V3Outcome<ResignResponse>> {
  const { leader: held } = call.request;
  if (held === undefined) return refusedFor("missingLeaderKey");
  const outcome = await leave(call, placeOf(held));
  if (outcome.kind === "refused") return outcome;
  const message = create(ResignResponseSchema, { header: outcome.message.header });
  return { kind: "answered", message, origin: outcome.origin };
}

function placeOf({ key, rev, lease }: LeaderKey) {
  return { key, createRevision: rev, session: { lease, isOwn: false } };
}
