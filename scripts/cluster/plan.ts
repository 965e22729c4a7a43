/** What a cluster folder remembers: members, ports, Worker entry and variables (`cluster.json`). */
import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { replaceFile } from "./replace-file.ts";

export interface PlannedMember {
  readonly name: string;
  /** Location hint; without effect on one machine, but part of INITIAL_CLUSTER. */
  readonly hint: string;
  readonly port: number;
}

export interface ClusterPlan {
  readonly version: 1;
  /**
   * Part of every Worker's name. A port of a process that died may be given to another cluster's
   * process; with names of their own, clusters on one machine can never call each other by mistake.
   */
  readonly tag: string;
  readonly members: readonly PlannedMember[];
  /** Worker entry, from the project's root. */
  readonly entry: string;
  readonly vars: Readonly<Record<string, string>>;
}

export const MEMBERS_MAX = 9;

const HINTS = ["enam", "weur", "apac-ne", "wnam", "eeur", "apac-se", "oc"] as const;
const LOCAL_VARS = { ALLOW_ANONYMOUS: "true", ALLOW_CLUSTER_CREATE: "true" };

/** A new cluster of r1 to rN; member k serves on the k-th of `ports`. */
export function newPlan(
  ports: readonly number[],
  entry: string,
  vars: Readonly<Record<string, string>>,
): ClusterPlan {
  const members = ports.map((port, position) => ({
    name: `r${position + 1}`,
    hint: HINTS[position % HINTS.length] ?? "enam",
    port,
  }));
  const tag = randomBytes(4).toString("hex");
  return { version: 1, tag, members, entry, vars: { ...LOCAL_VARS, ...vars } };
}

/** The plan kept in `dir`, or null when the folder holds no cluster yet. */
export function loadPlan(dir: string): ClusterPlan | null {
  const path = planPath(dir);
  if (!existsSync(path)) return null;
  const plan: unknown = JSON.parse(readFileSync(path, "utf8"));
  if (!isPlan(plan)) throw new Error(`${path} was written by another version; use another --dir`);
  return plan;
}

export function savePlan(dir: string, plan: ClusterPlan): void {
  mkdirSync(dir, { recursive: true });
  replaceFile(planPath(dir), `${JSON.stringify(plan, null, 2)}\n`);
}

/** Name of the Worker that holds a member, unique among all clusters of the machine. */
export function workerName(plan: ClusterPlan, member: PlannedMember): string {
  return `edged-${plan.tag}-${member.name}`;
}

/** Name of the binding behind which every Worker finds a member. */
export function bindingName(member: PlannedMember): string {
  return member.name.toUpperCase();
}

/** INITIAL_CLUSTER with every member behind a binding of its own. */
export function initialCluster(plan: ClusterPlan): string {
  return plan.members.map((member) => `${member.name}=${member.hint}@${bindingName(member)}`).join(",");
}

function planPath(dir: string): string {
  return join(dir, "cluster.json");
}

function isPlan(value: unknown): value is ClusterPlan {
  return typeof value === "object" && value !== null && "version" in value && value.version === 1;
}
