/** Backups that are restored, part by part, under everything that goes wrong. */
import type { Mutant } from "../mutant.ts";

export const RESTORE_MUTANTS: readonly Mutant[] = [
  {
    id: "restore-shown",
    title: "a replica answers out of the middle of a restore",
    known: "its own restores, before the simulator had them",
    detector: "restored",
    edits: [
      {
        file: "src/engine/client-reads.ts",
        search: "else if (context.machine.isRestoring) refuse",
        replace: "else if (context.machine.isRestoring && header.revision < 0) refuse",
      },
    ],
  },
  {
    id: "restore-mixed",
    title: "clients write between two parts of a backup",
    known: "etcd's rule that a restored member begins a new cluster",
    detector: "restored",
    edits: [
      {
        file: "src/mvcc/state-machine.ts",
        search: 'if (this.#restorer.isUnderWay) return this.#rejected("restoring");',
        replace: "",
      },
    ],
  },
  {
    id: "restore-leases-forgotten",
    title: "nobody keeps the time of leases that came with a backup that was restored at once",
    known: "etcd #9888 (leases that never end)",
    detector: "undisturbed",
    edits: [
      {
        file: "src/mvcc/restore/restorer.ts",
        search: "leases.noteRestored(leaseIdOf(key.slice(lease.length)));",
        replace: "leaseIdOf(key.slice(lease.length));",
      },
    ],
  },
  {
    id: "restore-leases-begin-amid",
    title: "leases of a backup begin while the rest of it is on its way",
    known: "its own lessor (seed 90000270)",
    detector: "trickling",
    edits: [
      {
        file: "src/engine/lessor.ts",
        search: " && !machine.isRestoring;",
        replace: ";",
      },
    ],
  },
];
