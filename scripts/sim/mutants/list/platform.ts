/** Time, alarms, lost databases: where a Durable Object differs from a server. */
import type { Mutant } from "../mutant.ts";

export const PLATFORM_MUTANTS: readonly Mutant[] = [
  {
    id: "alarm-not-rearmed",
    title: "the alarm is not set again after it fired",
    known: "Durable Objects: an alarm fires once",
    detector: "alarms",
    edits: [
      {
        file: "src/durable/timers.ts",
        search: "  alarmFired(): void {\n    this.#alarmAt = Number.POSITIVE_INFINITY;",
        replace: "  alarmFired(): void {",
      },
    ],
  },
  {
    id: "alarm-throws",
    title: "the alarm of a replica that stopped throws",
    known: "Durable Objects: after six failures an alarm is dropped for good",
    detector: "wipe",
    edits: [
      {
        file: "src/durable/replica-host.ts",
        search: "  alarm(): void {\n    this.#timers.alarmFired();",
        replace:
          '  alarm(): void {\n    if (this.#engine !== null && this.#engine.stopped !== null) throw new Error("stopped");\n    this.#timers.alarmFired();',
      },
    ],
  },
  {
    id: "clock-runs-backwards",
    title: "deadlines stay where they were when the wall clock is set back",
    known: "Durable Objects: Date.now is the machine's",
    detector: "clocks",
    edits: [
      {
        file: "src/durable/steady-clock.ts",
        search: "    if (at < this.#last) this.#offsetMs += this.#last - at;\n",
        replace: "",
      },
    ],
  },
  {
    id: "wiped-receiver-answers",
    title: "a replica that lost its database answers under its old id",
    known: "etcd-io/raft #94; redisraft #2; braft #292; openraft #2002",
    detector: "wipe",
    edits: [
      {
        file: "src/engine/peers.ts",
        search: "if (address.toIncarnation !== null && address.toIncarnation !== incarnation) {",
        replace: "if (address.toIncarnation === incarnation && address.to !== memberId) {",
      },
    ],
  },
];
