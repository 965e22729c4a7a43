/** INITIAL_CLUSTER: who the members of a cluster are, where each shall live and behind which binding. */
import { LIMITS } from "../base/limits.ts";
import { asLocationHint, DISPLACED_HINTS, HOSTING_HINTS, type LocationHint } from "../base/location-hints.ts";
import { DEFAULT_BINDING, isBindingName, isMemberName } from "../base/member-name.ts";
import type { ConfigProblem } from "./config-values.ts";

/** One member as configured. */
export interface MemberConfig {
  /** Stable for ever: the name is part of the object's identity. */
  readonly name: string;
  /** Asked for when the object is first made; it never moves afterwards. */
  readonly hint: LocationHint;
  /** The Durable Object namespace in `env` that holds the member. */
  readonly binding: string;
}

export interface ParsedMembers {
  readonly members: readonly MemberConfig[];
  readonly problems: readonly ConfigProblem[];
  readonly warnings: readonly ConfigProblem[];
}

const VARIABLE = "INITIAL_CLUSTER";
const EXAMPLE = 'for instance "r1=enam,r2=weur,r3=apac-ne"';

function problem(message: string, fix: string): ConfigProblem {
  return { variable: VARIABLE, message, fix };
}

/** One `name=hint` or `name=hint@BINDING`; its problems are pushed onto `problems`. */
function parseMember(item: string, problems: ConfigProblem[]): MemberConfig | null {
  const parts = /^([^=@]*)=([^=@]*)(?:@([^=@]*))?$/.exec(item);
  if (parts === null) {
    problems.push(problem(`"${item}" is not name=hint or name=hint@BINDING`, `write members as ${EXAMPLE}`));
    return null;
  }
  const name = (parts[1] ?? "").trim();
  const hintText = (parts[2] ?? "").trim();
  const binding = parts[3] === undefined ? DEFAULT_BINDING : parts[3].trim();
  const before = problems.length;
  if (!isMemberName(name)) {
    problems.push(
      problem(
        `"${name}" is not a member name`,
        "use 1 to 31 lower-case letters, digits and hyphens, not starting with a hyphen",
      ),
    );
  }
  const hint = asLocationHint(hintText);
  if (hint === null) {
    problems.push(
      problem(
        `member "${name}" has the unknown location hint "${hintText}"`,
        `use one of ${HOSTING_HINTS.join(", ")}`,
      ),
    );
  }
  if (!isBindingName(binding)) {
    problems.push(
      problem(
        `member "${name}" has the bad binding name "${binding}"`,
        "use letters, digits and underscores",
      ),
    );
  }
  return hint === null || problems.length > before ? null : { name, hint, binding };
}

function duplicateNames(names: readonly string[]): readonly string[] {
  return [...new Set(names.filter((name, position) => names.indexOf(name) !== position))];
}

function placementWarnings(members: readonly MemberConfig[]): readonly ConfigProblem[] {
  const warnings: ConfigProblem[] = [];
  const displaced: readonly string[] = DISPLACED_HINTS;
  for (const { name, hint } of members) {
    if (!displaced.includes(hint)) continue;
    warnings.push(
      problem(
        `member "${name}" asks for "${hint}", where the platform hosts no objects yet: it will live in another region`,
        `use one of ${HOSTING_HINTS.join(", ")} to choose the region yourself`,
      ),
    );
  }
  if (members.length > 0 && members.length % 2 === 0) {
    const tolerance = members.length / 2 - 1;
    warnings.push(
      problem(
        `${members.length} members survive the loss of ${tolerance}, no more than ${members.length - 1} would, and every write waits for one more`,
        `use an odd number of members (1 to ${LIMITS.membersMax})`,
      ),
    );
  }
  return warnings;
}

/** Reads INITIAL_CLUSTER. `members` is complete only when there are no problems. */
export function parseMembers(text: string | null): ParsedMembers {
  if (text === null || text.trim() === "") {
    return {
      members: [],
      problems: [
        problem("the cluster has no members", `set it to 1 to ${LIMITS.membersMax} members, ${EXAMPLE}`),
      ],
      warnings: [],
    };
  }
  const problems: ConfigProblem[] = [];
  const items = text.split(",").map((item) => item.trim());
  const members: MemberConfig[] = [];
  for (const item of items) {
    const member = parseMember(item, problems);
    if (member !== null) members.push(member);
  }
  for (const name of duplicateNames(items.map((item) => (item.split("=")[0] ?? "").trim()))) {
    problems.push(
      problem(`the name "${name}" is used more than once`, "give every member a name of its own"),
    );
  }
  if (items.length > LIMITS.membersMax) {
    problems.push(
      problem(
        `${items.length} members are more than ${LIMITS.membersMax}`,
        `use 1 to ${LIMITS.membersMax} members; more only slow down every write`,
      ),
    );
  }
  return { members, problems, warnings: problems.length === 0 ? placementWarnings(members) : [] };
}
