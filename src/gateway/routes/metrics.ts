/** `GET /metrics`: how every replica stands, for Prometheus, under etcd's names where the meaning is etcd's. */
import { Hono } from "hono";
import type { StatusReply } from "../../engine/replica-api.ts";
import type { GatewayEnv, Services } from "../services.ts";
import { EDGED_VERSION, ETCD_VERSION } from "../version.ts";
import { onlyMethods } from "./methods.ts";

const TYPE = "text/plain; version=0.0.4; charset=utf-8";

interface Metric {
  readonly name: string;
  readonly help: string;
  readonly type: "gauge" | "counter";
  readonly value: (status: StatusReply) => number;
}

/** Counters of writes are the log's, as etcd's are, so that they agree between replicas. */
const METRICS: readonly Metric[] = [
  {
    name: "etcd_server_has_leader",
    help: "Whether or not a leader exists. 1 is existence, 0 is not.",
    type: "gauge",
    value: ({ header }) => flag(header.leader !== null),
  },
  {
    name: "etcd_server_is_leader",
    help: "Whether or not this member is a leader. 1 if is, 0 otherwise.",
    type: "gauge",
    value: ({ role }) => flag(role === "leader"),
  },
  {
    name: "etcd_server_is_learner",
    help: "Whether or not this member is a learner. 1 if is, 0 otherwise.",
    type: "gauge",
    value: ({ role }) => flag(role === "learner"),
  },
  {
    name: "etcd_server_leader_changes_seen_total",
    help: "The number of leader changes seen.",
    type: "counter",
    value: ({ counters }) => counters.leaderChanges,
  },
  {
    name: "etcd_server_proposals_committed_total",
    help: "The total number of consensus proposals committed.",
    type: "gauge",
    value: ({ commit }) => commit,
  },
  {
    name: "etcd_server_proposals_applied_total",
    help: "The total number of consensus proposals applied.",
    type: "gauge",
    value: ({ applied }) => applied,
  },
  {
    name: "etcd_server_proposals_pending",
    help: "The current number of pending proposals to commit.",
    type: "gauge",
    value: ({ counters }) => counters.proposalsPending,
  },
  {
    name: "etcd_server_proposals_failed_total",
    help: "The total number of failed proposals seen.",
    type: "counter",
    value: ({ counters }) => counters.proposalsFailed,
  },
  {
    name: "etcd_mvcc_db_total_size_in_bytes",
    help: "Total size of the underlying database physically allocated in bytes.",
    type: "gauge",
    value: ({ databaseBytes }) => databaseBytes,
  },
  {
    name: "etcd_mvcc_db_total_size_in_use_in_bytes",
    help: "Total size of the underlying database logically in use in bytes.",
    type: "gauge",
    value: ({ databaseBytes }) => databaseBytes,
  },
  {
    name: "etcd_debugging_mvcc_current_revision",
    help: "The current revision of store.",
    type: "gauge",
    value: ({ header }) => header.revision,
  },
  {
    name: "etcd_debugging_mvcc_compact_revision",
    help: "The revision of the last compaction in store.",
    type: "gauge",
    value: ({ counters }) => counters.compactRevision,
  },
  {
    name: "edged_raft_term",
    help: "The term of the member.",
    type: "gauge",
    value: ({ term }) => term,
  },
  {
    name: "edged_server_reads_pending",
    help: "Reads that wait for their answer.",
    type: "gauge",
    value: ({ counters }) => counters.readsPending,
  },
];

function flag(value: boolean): number {
  return value ? 1 : 0;
}

/** `replies` in the order of `members`. */
export function printMetrics(
  members: readonly string[],
  replies: readonly (StatusReply | { readonly kind: "unavailable" })[],
  quotaBytes: number,
): string {
  const up = members.map((member, position) => ({ member, reply: replies[position] }));
  const lines: string[] = [];
  const metric = (name: string, help: string, type: string, samples: readonly string[]): void => {
    lines.push(`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`, ...samples);
  };
  metric(
    "edged_member_reachable",
    "Whether the gateway that answers reaches the member.",
    "gauge",
    up.map(
      ({ member, reply }) => `edged_member_reachable{member="${member}"} ${flag(reply?.kind === "status")}`,
    ),
  );
  for (const { name, help, type, value } of METRICS) {
    const samples = up.flatMap(({ member, reply }) =>
      reply?.kind === "status" ? [`${name}{member="${member}"} ${value(reply)}`] : [],
    );
    metric(name, help, type, samples);
  }
  const alarms = up.flatMap(({ member, reply }) =>
    reply?.kind === "status"
      ? [...new Set(reply.counters.alarms)].map(
          (kind) => `edged_server_alarm{member="${member}",alarm="${kind}"} 1`,
        )
      : [],
  );
  metric("edged_server_alarm", "Alarms that are active, as the member knows.", "gauge", alarms);
  metric("etcd_server_quota_backend_bytes", "Current backend storage quota size in bytes.", "gauge", [
    `etcd_server_quota_backend_bytes ${quotaBytes}`,
  ]);
  metric(
    "etcd_server_version",
    "Which version is running. 1 for 'server_version' label with current version.",
    "gauge",
    [`etcd_server_version{server_version="${ETCD_VERSION}"} 1`],
  );
  metric("edged_build_info", "Which version of edged answers.", "gauge", [
    `edged_build_info{version="${EDGED_VERSION}"} 1`,
  ]);
  return `${lines.join("\n")}\n`;
}

export function metricsRoutes(services: Services): Hono<GatewayEnv> {
  const app = new Hono<GatewayEnv>();
  app.get("/metrics", async (c) => {
    const { members, replies } = await services.router.statuses(c.get("cluster"));
    const names = members.map(({ name }) => name);
    return c.body(printMetrics(names, replies, services.config.quotaBytes), 200, { "Content-Type": TYPE });
  });
  onlyMethods(app, "/metrics", ["GET", "HEAD"]);
  return app;
}
