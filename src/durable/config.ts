/**
 * The configuration of a deployment: `[vars]` of wrangler.toml and secrets, validated as a whole.
 * Every problem is found in one pass and names the variable and the fix; an invalid configuration
 * never reaches a replica.
 */
import { DEFAULT_BINDING } from "../base/member-name.ts";
import { err, ok, type Result } from "../base/result.ts";
import { type MemberConfig, parseMembers } from "./config-members.ts";
import { type ConfigProblem, ConfigReader, type Env } from "./config-values.ts";

export type { MemberConfig } from "./config-members.ts";
export type { ConfigProblem, Env } from "./config-values.ts";

/** Who may use the HTTP surface. */
export type Access =
  | { readonly kind: "token"; readonly token: string }
  | { readonly kind: "anonymous" }
  /** Neither a token nor ALLOW_ANONYMOUS: everything but health is refused. */
  | { readonly kind: "closed" };

/** When the replicas compact history by themselves. */
export type AutoCompaction =
  | { readonly kind: "off" }
  /** Keep the newest so many revisions. */
  | { readonly kind: "revisions"; readonly keep: number }
  /** Keep the history of so long. */
  | { readonly kind: "periodic"; readonly periodMs: number };

/** A valid configuration, frozen. */
export interface Config {
  /** 1 to 9 members in the order of INITIAL_CLUSTER; the first voters of every cluster. */
  readonly members: readonly MemberConfig[];
  /** Time between two heartbeats of a leader. */
  readonly heartbeatMs: number;
  /** Election timeouts are drawn between once and twice this. */
  readonly electionMs: number;
  /** Idle time after which a group falls asleep; 0 for never. */
  readonly quiesceAfterMs: number;
  /** Applied log entries between two compactions of the log. */
  readonly snapshotEvery: number;
  /** Size of a replica's database above which writes are refused. */
  readonly quotaBytes: number;
  readonly autoCompaction: AutoCompaction;
  readonly access: Access;
  /** Whether clusters other than "default" may be used (and so made). */
  readonly allowClusterCreate: boolean;
  /** What members are said to be reached at; empty: wherever the client found the gateway. */
  readonly advertiseClientUrls: readonly string[];
  /** Unwise but valid settings. */
  readonly warnings: readonly ConfigProblem[];
}

/** A follower must be able to miss a few heartbeats without an election. */
const HEARTBEATS_PER_ELECTION_MIN = 4;

const HEARTBEAT = { variable: "HEARTBEAT_MS", fallback: 250, min: 10, max: 30_000, unit: "milliseconds" };
const ELECTION = { variable: "ELECTION_MS", fallback: 1_500, min: 40, max: 300_000, unit: "milliseconds" };
const QUIESCE = {
  variable: "QUIESCE_AFTER_MS",
  fallback: 5_000,
  min: 0,
  max: 86_400_000,
  unit: "milliseconds",
};
/** etcd's `--snapshot-count` since 3.6. */
const SNAPSHOT = {
  variable: "SNAPSHOT_EVERY",
  fallback: 10_000,
  min: 10,
  max: 1_000_000,
  unit: "log entries",
};
/** etcd's default quota; the platform ends a database at 10 GB. */
const QUOTA = {
  variable: "QUOTA_BYTES",
  fallback: 2 * 1024 ** 3,
  min: 1024 ** 2,
  max: 9 * 1024 ** 3,
  unit: "bytes",
};

const HEADER_TEXT = /^[\x21-\x7e]{1,1024}$/;
const CLIENT_URL = /^https?:\/\/[^\s/?#,]+(?:\/[^\s?#,]*)?$/;
const SHORT_TOKEN_LENGTH = 16;

function readTimers(reader: ConfigReader): { readonly heartbeatMs: number; readonly electionMs: number } {
  const heartbeatMs = reader.count(HEARTBEAT);
  const electionMs = reader.count(ELECTION);
  if (electionMs < heartbeatMs * HEARTBEATS_PER_ELECTION_MIN) {
    reader.problem(
      ELECTION.variable,
      `${electionMs} ms is less than ${HEARTBEATS_PER_ELECTION_MIN} times HEARTBEAT_MS (${heartbeatMs} ms): ` +
        "one late heartbeat would depose a healthy leader",
      `set it to at least ${heartbeatMs * HEARTBEATS_PER_ELECTION_MIN}, or lower HEARTBEAT_MS`,
    );
  }
  return { heartbeatMs, electionMs };
}

const PERIOD_UNITS_MS = new Map([
  ["m", 60_000],
  ["h", 3_600_000],
  ["d", 86_400_000],
]);

/** `off`, `revisions:N`, or a time such as `30m`, `12h`, `7d`. */
function readAutoCompaction(reader: ConfigReader): AutoCompaction {
  const text = reader.text("AUTO_COMPACTION");
  if (text === null || text === "off") return { kind: "off" };
  const revisions = /^revisions:([1-9]\d{0,8})$/.exec(text);
  if (revisions !== null) return { kind: "revisions", keep: Number(revisions[1]) };
  const period = /^([1-9]\d{0,3})([mhd])$/.exec(text);
  const unitMs = PERIOD_UNITS_MS.get(period?.[2] ?? "");
  if (period !== null && unitMs !== undefined)
    return { kind: "periodic", periodMs: Number(period[1]) * unitMs };
  reader.problem(
    "AUTO_COMPACTION",
    `"${text}" is not a retention`,
    'set it to "off", to "revisions:1000", or to a time such as "30m", "12h" or "7d"',
  );
  return { kind: "off" };
}

/** As etcd's `--advertise-client-urls`: commas between. */
function readClientUrls(reader: ConfigReader): readonly string[] {
  const text = reader.text("ADVERTISE_CLIENT_URLS")?.trim() ?? "";
  const urls = text === "" ? [] : text.split(",").map((url) => url.trim());
  for (const url of urls) {
    if (CLIENT_URL.test(url)) continue;
    reader.problem(
      "ADVERTISE_CLIENT_URLS",
      `"${url}" is not the URL of a gateway`,
      'write URLs as "https://edged.example.com" or "http://127.0.0.1:2379", with commas between',
    );
  }
  return urls;
}

function readAccess(reader: ConfigReader, warnings: ConfigProblem[]): Access {
  const anonymous = reader.flag("ALLOW_ANONYMOUS");
  const token = reader.text("API_TOKEN");
  if (token === null) return anonymous ? { kind: "anonymous" } : { kind: "closed" };
  if (!HEADER_TEXT.test(token)) {
    reader.problem(
      "API_TOKEN",
      "is empty, longer than 1024 characters, or holds spaces or characters outside of ASCII",
      "run `wrangler secret put API_TOKEN` with letters, digits and punctuation only",
    );
    return { kind: "closed" };
  }
  if (token.length < SHORT_TOKEN_LENGTH) {
    warnings.push({
      variable: "API_TOKEN",
      message: `has fewer than ${SHORT_TOKEN_LENGTH} characters and can be guessed`,
      fix: "run `openssl rand -hex 32 | wrangler secret put API_TOKEN`",
    });
  }
  if (anonymous) {
    warnings.push({
      variable: "ALLOW_ANONYMOUS",
      message: "has no effect, for API_TOKEN is set too and wins",
      fix: "remove one of the two",
    });
  }
  return { kind: "token", token };
}

/** A binding written out in INITIAL_CLUSTER must exist, or a member could never be reached. */
function checkBindings(env: Env, members: readonly MemberConfig[], reader: ConfigReader): void {
  const missing = new Set(
    members.map((member) => member.binding).filter((binding) => !isObject(env[binding])),
  );
  // The default binding belongs to the Worker's own code; a parse without bindings (tests, tools) is fine.
  missing.delete(DEFAULT_BINDING);
  for (const binding of missing) {
    reader.problem(
      "INITIAL_CLUSTER",
      `the binding "${binding}" does not exist`,
      `add a [[durable_objects.bindings]] entry with name = "${binding}" to wrangler.toml`,
    );
  }
}

function isObject(value: unknown): boolean {
  return (typeof value === "object" && value !== null) || typeof value === "function";
}

/** Reads the whole configuration; the error lists every problem found. */
export function parseConfig(env: Env): Result<Config, readonly ConfigProblem[]> {
  const reader = new ConfigReader(env);
  const warnings: ConfigProblem[] = [];
  const parsed = parseMembers(reader.text("INITIAL_CLUSTER"));
  // A variable of a wrong type is one problem, not also an empty cluster.
  if (reader.problems.length === 0) reader.problems.push(...parsed.problems);
  warnings.push(...parsed.warnings);
  checkBindings(env, parsed.members, reader);
  const config: Config = {
    members: Object.freeze(parsed.members.map((member) => Object.freeze(member))),
    ...readTimers(reader),
    quiesceAfterMs: reader.count(QUIESCE),
    snapshotEvery: reader.count(SNAPSHOT),
    quotaBytes: reader.count(QUOTA),
    autoCompaction: Object.freeze(readAutoCompaction(reader)),
    access: Object.freeze(readAccess(reader, warnings)),
    allowClusterCreate: reader.flag("ALLOW_CLUSTER_CREATE"),
    advertiseClientUrls: Object.freeze(readClientUrls(reader)),
    warnings: Object.freeze(warnings),
  };
  return reader.problems.length === 0 ? ok(Object.freeze(config)) : err(Object.freeze(reader.problems));
}
