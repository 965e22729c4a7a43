/**
 * 13. Membership (paper section 6): never a configuration without voters; neighbours in a log have
 * quorums that always meet; at most one is uncommitted; only voters lead.
 */
import { isVoter } from "../../../src/raft/configuration.ts";
import type { Configuration, Entry, NodeId } from "../../../src/raft/types.ts";
import { configurationText } from "./digest.ts";
import {
  becameLeader,
  type History,
  type Invariant,
  type NodeObservation,
  type Observation,
} from "./observation.ts";
import type { LiveView } from "./view.ts";
import { violated } from "./violation.ts";

export class ConfigurationSafety implements Invariant {
  readonly name = "configuration-safety";
  readonly #intersecting = new Set<string>();

  check({ nodes, history }: Observation): void {
    for (const observation of nodes) {
      const { node, liveChange } = observation;
      if (node.live === null || liveChange === null) continue;
      for (const entry of liveChange.added) this.#checkEntry(node.id, node.live, entry);
      if (liveChange.removed.some((entry) => entry.kind === "configuration"))
        this.#checkInForce(node.id, node.live);
      this.#checkUncommitted(observation, history);
      if (becameLeader(observation) && !mayLead(node.live, node.id)) {
        violated(this.name, `${node.id} leads term ${node.live.term} without being a voter`);
      }
    }
  }

  #checkEntry(id: NodeId, live: LiveView, entry: Entry): void {
    if (entry.kind !== "configuration" || entry.index <= live.applied) return;
    const next = entry.configuration;
    if (next.voters.length === 0) violated(this.name, `${id} has a configuration without voters`);
    const inForce = live.configurationAt(entry.index);
    if (inForce.index !== entry.index) violated(this.name, `${id} ignores its configuration ${entry.index}`);
    if (entry.index - 1 < live.applied) return;
    const previous = live.configurationAt(entry.index - 1).configuration;
    // A member that was just added begins with nobody: it learns the first members with their log.
    if (previous.voters.length === 0) return;
    const key = `${configurationText(previous)} then ${configurationText(next)}`;
    if (this.#intersecting.has(key)) return;
    if (!quorumsMeet(previous, next)) violated(this.name, `quorums may miss each other: ${key}`);
    this.#intersecting.add(key);
  }

  /** A configuration goes with its entry. */
  #checkInForce(id: NodeId, live: LiveView): void {
    const { index, configuration } = live.configurationAt(live.log.last);
    const same = configurationText(configuration) === configurationText(live.configuration);
    if (!same) violated(this.name, `${id} goes on with a configuration after ${index} that was deleted`);
  }

  #checkUncommitted({ node, liveChange }: NodeObservation, history: History): void {
    const { live } = node;
    if (live === null || liveChange === null || liveChange.added.every((e) => e.kind !== "configuration"))
      return;
    const committed = Math.max(history.committedMax, history.leaderCommitMax, live.log.snapshot.index);
    let count = 0;
    for (let index = committed + 1; index <= live.log.last; index += 1) {
      if (live.log.entry(index).kind === "configuration") count += 1;
    }
    if (count > 1) violated(this.name, `${node.id} has ${count} uncommitted configurations`);
  }
}

/** A leader votes in its configuration, or in an earlier one while the newer may not be committed (thesis 4.2.2). */
function mayLead(live: LiveView, id: NodeId): boolean {
  for (let from = live.log.last; ; ) {
    const { index, configuration } = live.configurationAt(from);
    if (isVoter(configuration, id)) return true;
    if (index <= live.commit) return false;
    from = index - 1;
  }
}

/** By trying all sets of nodes: no two disjoint ones are quorums of one configuration each. */
function quorumsMeet(a: Configuration, b: Configuration): boolean {
  const ids = [...new Set([...a.voters, ...a.votersOutgoing, ...b.voters, ...b.votersOutgoing])];
  for (let mask = 0; mask < 1 << ids.length; mask += 1) {
    const inside = (id: NodeId): boolean => ((mask >> ids.indexOf(id)) & 1) === 1;
    if (isQuorum(a, inside) && isQuorum(b, (id) => !inside(id))) return false;
  }
  return true;
}

function isQuorum(configuration: Configuration, has: (id: NodeId) => boolean): boolean {
  return [configuration.voters, configuration.votersOutgoing].every(
    (half) => half.length === 0 || half.filter(has).length * 2 > half.length,
  );
}
