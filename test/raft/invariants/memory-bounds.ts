/** 18. Windows and caps hold; only a single oversized append or proposal may exceed the bytes. */
import type { Invariant, Observation } from "./observation.ts";
import type { LiveView } from "./view.ts";
import { violated } from "./violation.ts";

export class MemoryBounds implements Invariant {
  readonly name = "memory-bounds";

  check({ nodes }: Observation): void {
    for (const { node } of nodes) {
      const { live } = node;
      if (live === null) continue;
      const { bounds } = live;
      for (const { id, match, next, inflightMessages, inflightBytes } of live.followers) {
        const to = () => `${node.id} to ${id}`;
        if (inflightMessages > bounds.inflightMessagesMax) {
          violated(this.name, `${to()}: ${inflightMessages} appends in flight`);
        }
        if (inflightBytes >= bounds.inflightBytesMax + bounds.appendBytesMax && inflightMessages > 1) {
          violated(this.name, `${to()}: ${inflightBytes} bytes in flight`);
        }
        if (match >= next) violated(this.name, `${to()}: match ${match} has reached next ${next}`);
        if (match > live.log.last) violated(this.name, `${to()}: match ${match} is beyond the log`);
      }
      if (live.uncommittedBytes > bounds.uncommittedBytesMax && uncommittedCommands(live) > 1) {
        violated(this.name, `${node.id} holds ${live.uncommittedBytes} uncommitted bytes`);
      }
    }
  }
}

function uncommittedCommands(live: LiveView): number {
  let count = 0;
  for (let index = live.commit + 1; index <= live.log.last; index += 1) {
    const entry = live.log.entry(index);
    if (entry.kind === "command" && entry.term === live.term && entry.data.length > 0) count += 1;
  }
  return count;
}
