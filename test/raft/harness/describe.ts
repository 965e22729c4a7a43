/**
 * Messages, entries and effects in one line each, stable, for stories and failure reports. An entry
 * is `term/index`, as in the paper's figures.
 */
import { assertNever } from "../../../src/base/assert.ts";
import type { Effects } from "../../../src/raft/effects.ts";
import type { Message } from "../../../src/raft/message.ts";
import type { Entry } from "../../../src/raft/types.ts";
import { configurationText } from "../invariants/digest.ts";
import type { Body, Frame } from "./frame.ts";
import { payloadText } from "./payload.ts";

export function describeEntry(entry: Entry): string {
  const at = `${entry.term}/${entry.index}`;
  switch (entry.kind) {
    case "command":
      return `${at} "${payloadText(entry.data)}"`;
    case "empty":
      return `${at} empty`;
    case "configuration":
      return `${at} members ${configurationText(entry.configuration)}`;
    default:
      return assertNever(entry, "entry");
  }
}

function describeEntries(entries: readonly Entry[]): string {
  return `[${entries.map(describeEntry).join(", ")}]`;
}

function round(number: number): string {
  return number === 0 ? "" : ` round ${number}`;
}

export function describeMessage(message: Message): string {
  switch (message.kind) {
    case "pre-vote":
      return `pre-vote t${message.term} last ${message.lastTerm}/${message.lastIndex}`;
    case "vote": {
      const last = `last ${message.lastTerm}/${message.lastIndex}`;
      return `vote t${message.term} ${last}${message.transfer ? " by transfer" : ""}`;
    }
    case "vote-response": {
      const answer = message.granted ? "granted" : "refused";
      return `${message.preVote ? "pre-vote" : "vote"} ${answer} t${message.term}`;
    }
    case "append": {
      const { previousTerm, previousIndex, entries, commit } = message;
      const after = `after ${previousTerm}/${previousIndex}`;
      return `append t${message.term} ${after} ${describeEntries(entries)} commit ${commit}${round(message.round)}`;
    }
    case "append-response": {
      const { rejection, match } = message;
      const said =
        rejection === null
          ? `match ${match}`
          : `rejects ${rejection.previousIndex} hint ${rejection.hintTerm}/${rejection.hintIndex}`;
      return `append-response t${message.term} ${said}${round(message.round)}`;
    }
    case "heartbeat": {
      const { lastTerm, lastIndex, commit } = message;
      return `heartbeat t${message.term} last ${lastTerm}/${lastIndex} commit ${commit}${round(message.round)}`;
    }
    case "heartbeat-response":
      return `heartbeat-response t${message.term} match ${message.match}${round(message.round)}`;
    case "snapshot": {
      const { snapshotTerm, index, configuration, session } = message;
      return `snapshot t${message.term} at ${snapshotTerm}/${index} members ${configurationText(configuration)} session ${session}`;
    }
    case "timeout-now":
      return `timeout-now t${message.term}`;
    case "quiesce":
      return `quiesce t${message.term} at ${message.indexTerm}/${message.index}${round(message.round)}`;
    case "quiesce-response":
      return `quiesce-response t${message.term} match ${message.match}${round(message.round)}`;
    case "wake":
      return `wake t${message.term}`;
    default:
      return assertNever(message, "message");
  }
}

export function describeBody(body: Body): string {
  switch (body.kind) {
    case "pull":
      return `pull ${body.session}`;
    case "pulled":
      return body.snapshot === null
        ? `pulled ${body.session}: gone`
        : `pulled ${body.session} at ${body.snapshot.point.term}/${body.snapshot.point.index}`;
    default:
      return describeMessage(body);
  }
}

export function describeFrame({ from, to, body }: Frame): string {
  return `${from}->${to} ${describeBody(body)}`;
}

/** What the host is to do besides sending; empty when nothing. */
export function describeWork(effects: Effects): string[] {
  const work: string[] = [];
  const { hardState, slept, truncateFrom, append, commit, reads, snapshotsWanted, snapshotOffered } = effects;
  if (hardState !== null) work.push(`term ${hardState.term} vote ${hardState.vote ?? "none"}`);
  if (slept !== null) work.push(slept.sleep === null ? "awake" : `asleep behind ${slept.sleep.leader}`);
  if (truncateFrom !== null) work.push(`truncate from ${truncateFrom}`);
  if (append.length > 0) work.push(`store ${describeEntries(append)}`);
  if (commit !== null) work.push(`commit ${commit}`);
  for (const { id, index } of reads) work.push(`read ${id} ${index === null ? "refused" : `at ${index}`}`);
  if (snapshotsWanted.length > 0) work.push(`snapshot wanted for ${snapshotsWanted.join(",")}`);
  if (snapshotOffered !== null)
    work.push(`snapshot offered by ${snapshotOffered.from} at ${snapshotOffered.index}`);
  return work;
}
