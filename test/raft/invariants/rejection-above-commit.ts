/**
 * What is committed is never in conflict with a leader's log: an append that begins there is not
 * refused, whether or not its beginning has been compacted away (openraft, August 2022).
 */
import type { Invariant, Observation } from "./observation.ts";
import { violated } from "./violation.ts";

export class RejectionAboveCommit implements Invariant {
  readonly name = "rejection-above-commit";

  check({ step }: Observation): void {
    for (const { from, to, message } of step.departures) {
      if (message.kind !== "append-response" || message.rejection === null) continue;
      const commit = step.node(from)?.durable.commit ?? 0;
      const { previousIndex } = message.rejection;
      if (previousIndex <= commit) {
        violated(
          this.name,
          `${from} refuses ${to} an append after ${previousIndex}, and committed ${commit}`,
        );
      }
    }
  }
}
