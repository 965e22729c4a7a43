/** `GET /status`: the group as data. */
import { Hono } from "hono";
import type { Config } from "../../durable/config.ts";
import type { StatusReply, Unavailable } from "../../engine/replica-api.ts";
import { originHeaders } from "../answers.ts";
import type { GroupStatuses, RouterMember } from "../leader-router.ts";
import { answerProblem } from "../problem.ts";
import { parseQuery } from "../query.ts";
import type { GatewayEnv, Services } from "../services.ts";
import { EDGED_VERSION } from "../version.ts";
import { onlyMethods } from "./methods.ts";

type MemberReply = StatusReply | Unavailable;

/** The view to believe: that of the newest leader, else of the replica with the newest term. */
function authority(replies: readonly MemberReply[]): StatusReply | null {
  let best: StatusReply | null = null;
  for (const reply of replies) {
    if (reply.kind !== "status") continue;
    const better =
      best === null ||
      reply.term > best.term ||
      (reply.term === best.term && reply.role === "leader" && best.role !== "leader");
    if (better) best = reply;
  }
  return best;
}

function describeMember(
  { name, hint }: RouterMember,
  config: Config,
  reply: MemberReply,
  best: StatusReply | null,
  commit: number,
): Readonly<Record<string, unknown>> {
  const configured = config.members.find((member) => member.name === name);
  const placed = { name, region: hint ?? configured?.hint ?? null };
  const peer = best?.peers.find((candidate) => candidate.member === name);
  const followed =
    peer === undefined ? {} : { match: peer.match, replication: peer.state, heard_ms_ago: peer.heardMsAgo };
  if (reply.kind === "unavailable") {
    return { ...placed, reachable: false, error: reply.message, ...followed };
  }
  return {
    ...placed,
    id: reply.header.memberId,
    reachable: true,
    role: reply.role,
    term: reply.term,
    leader: reply.header.leader,
    revision: reply.header.revision,
    commit: reply.commit,
    applied: reply.applied,
    first_index: reply.firstIndex,
    last_index: reply.lastIndex,
    // Entries known to be committed somewhere and not yet applied here.
    lag: Math.max(0, commit - reply.applied),
    database_bytes: reply.databaseBytes,
    asleep: reply.isAsleep,
    ...followed,
    ...(reply.stopped === null ? {} : { stopped: reply.stopped }),
  };
}

export function describeGroup(
  cluster: string,
  config: Config,
  { members, replies }: GroupStatuses,
): Readonly<Record<string, unknown>> {
  const best = authority(replies);
  const voters = best?.voters ?? members.map(({ name }) => name);
  const well = replies.filter((reply) => reply.kind === "status" && reply.stopped === null);
  const commit = Math.max(0, ...well.map((reply) => (reply.kind === "status" ? reply.commit : 0)));
  const quorum = Math.floor(voters.length / 2) + 1;
  const reachableVoters = well.filter((reply) => voters.includes(reply.header?.member ?? "")).length;
  return {
    cluster,
    cluster_id: best?.header.clusterId ?? null,
    leader: best?.header.leader ?? null,
    term: best?.term ?? null,
    revision: best?.header.revision ?? null,
    voters,
    learners: best?.learners ?? [],
    quorum,
    // Voters that may be lost while a quorum remains.
    fault_tolerance: voters.length - quorum,
    reachable: well.length,
    has_quorum: reachableVoters >= quorum,
    database_bytes: best?.databaseBytes ?? null,
    quota_bytes: config.quotaBytes,
    members: members.map((member, position) => {
      const reply = replies[position];
      return reply === undefined ? member : describeMember(member, config, reply, best, commit);
    }),
    edged: EDGED_VERSION,
  };
}

export function statusRoutes(services: Services): Hono<GatewayEnv> {
  const app = new Hono<GatewayEnv>();
  app.get("/status", async (c) => {
    const query = parseQuery(c.req.raw, []);
    if (!query.ok) return answerProblem(c, query.error);
    const cluster = c.get("cluster");
    const group = await services.router.statuses(cluster);
    return c.json(
      describeGroup(cluster, services.config, group),
      200,
      originHeaders(authority(group.replies)?.header ?? null),
    );
  });
  onlyMethods(app, "/status", ["GET", "HEAD"]);
  return app;
}
