/** Leases: when they end, what goes with them, and who may promise them. */
import type { Mutant } from "../mutant.ts";

export const LEASE_MUTANTS: readonly Mutant[] = [
  {
    id: "lease-ends-with-leader",
    title: "a new leader counts the time of leases from their grant, not from its election",
    known: "etcd #9395, #13491",
    detector: "leases",
    edits: [
      {
        file: "src/engine/lessor.ts",
        search: "timedLease(id, record, office.since, office.extraMs)",
        replace: "timedLease(id, record, office.since - 1_000 * Number(record.ttl), office.extraMs)",
      },
    ],
  },
  {
    id: "renewal-unconfirmed",
    title: "a leader renews leases without asking a quorum whether it still leads",
    known: "etcd #12528, #15247, #16822",
    detector: "promises",
    edits: [
      {
        file: "src/engine/lease-queries.ts",
        search: 'const ofLeader: ReadCall = { ...call, consistency: "leader" };',
        replace: 'const ofLeader: ReadCall = { ...call, consistency: "serializable" };',
      },
    ],
  },
  {
    id: "renewal-of-ending",
    title: "a lease is renewed while its end is on its way through the log",
    known: "etcd #20616",
    detector: "leases",
    edits: [
      {
        file: "src/engine/lessor.ts",
        search: 'if (lease.isRevoking) return { kind: "ending" };',
        replace: "",
      },
    ],
  },
  {
    id: "revoke-keeps-keys",
    title: "a lease goes and leaves its keys behind",
    known: "etcd #13766",
    detector: "leases",
    edits: [
      {
        file: "src/mvcc/lease/lease-commands.ts",
        search: "  for (const key of leases.keys(id)) writer.deleteKey(key);\n",
        replace: "",
      },
    ],
  },
  {
    id: "lease-keeps-moved-key",
    title: "a key that is put without its lease stays attached to it",
    known: "etcd's lessor, Attach and Detach",
    detector: "leases",
    edits: [
      {
        file: "src/mvcc/store-writer.ts",
        search: "    if (from !== null) this.#leases.detach(from, key);\n",
        replace: "",
      },
    ],
  },
  {
    id: "lease-never-ends",
    title: "a leader keeps the time of the leases granted under it, and of none before",
    known: "etcd #9888, #9924",
    detector: "leases",
    edits: [
      {
        file: "src/engine/lessor.ts",
        search: "    if (!this.#office.isLoaded) this.#load(this.#office);",
        replace: "    this.#office.isLoaded = true;",
      },
    ],
  },
];
