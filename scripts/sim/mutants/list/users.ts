/** Who may do what, at each command's place in the log. */
import type { Mutant } from "../mutant.ts";

const STORE = "src/mvcc/auth/auth-store.ts";
const VISITOR = "src/mvcc/auth/visitor.ts";

export const USER_MUTANTS: readonly Mutant[] = [
  {
    id: "user-other-branch",
    title: "a transaction needs permissions for one of its branches only",
    known: "etcd CVE-2026-33343 (parts of transactions that nobody looked at)",
    detector: "users",
    edits: [
      {
        file: VISITOR,
        search: "  for (const operation of failure) yield* needsOfOperation(operation);\n",
        replace:
          "  if (success.length === 0) for (const operation of failure) yield* needsOfOperation(operation);\n",
      },
    ],
  },
  {
    id: "user-previous-value",
    title: "a put shows a previous value that its user may not read",
    known: "etcd #21682",
    detector: "users",
    edits: [
      {
        file: VISITOR,
        search: 'if (prevKv) yield { kind: "read", interval };',
        replace: "if (prevKv) return;",
      },
    ],
  },
  {
    id: "user-cache-kept",
    title: "permissions kept in memory outlive a change of users and roles",
    known: "etcd #14571, #13883",
    detector: "users",
    edits: [{ file: STORE, search: "    this.#grants.clear();\n", replace: "" }],
  },
  {
    id: "user-old-signature",
    title: "a command runs though users and roles were changed since it was signed",
    known: "etcd #11651 (auth revisions that differ between members)",
    detector: "users",
    edits: [
      {
        file: STORE,
        search: '      if (actor.authRevision !== this.revision) return "authOldRevision";\n',
        replace: "",
      },
    ],
  },
  {
    id: "user-old-password",
    title: "a password that was changed while it was checked still signs in",
    known: "etcd's check of the auth revision in Authenticate",
    detector: "users",
    edits: [
      {
        file: STORE,
        search: '    if (fromUtf8(user.password) !== passwordHash) return "authFailed";\n',
        replace: "",
      },
    ],
  },
  {
    id: "user-token-outlives",
    title: "tokens outlive the password that they were granted for",
    known: "etcd's invalidateUser",
    detector: "users",
    edits: [
      {
        file: "src/mvcc/auth/user-commands.ts",
        search: "  if (error === null) change.tokens.endUser(name);\n",
        replace: "",
      },
    ],
  },
  {
    id: "user-read-unjudged",
    title: "reads are answered to whoever has any token",
    known: "etcd's serializable reads, whose check was of another state than the answer",
    detector: "users",
    edits: [
      {
        file: "src/engine/client-reads.ts",
        search: "if (error === null) go(header);",
        replace: 'if (error !== "invalidAuthToken") go(header);',
      },
    ],
  },
  {
    id: "user-refusal-forgotten",
    title: "a write that was refused for its user is taken when an earlier attempt arrives",
    known: "thesis 6.3: one answer an operation",
    detector: "users",
    edits: [
      {
        file: "src/mvcc/state-machine.ts",
        search: 'outcome.error === "authOldRevision";',
        replace: '["authOldRevision", "permissionDenied", "userEmpty"].includes(outcome.error);',
      },
    ],
  },
  {
    id: "user-lease-of-others",
    title: "whoever is a user ends any lease, with keys that he may not write",
    known: "etcd's checkLeasePuts; CVE-2023-32082 (leases tell of keys)",
    detector: "guarded",
    edits: [
      {
        file: VISITOR,
        search:
          '      yield USER;\n      return yield { kind: "write-attached", lease: request.value.ID };\n    case "alarm":',
        replace: '      return yield USER;\n    case "alarm":',
      },
    ],
  },
  {
    id: "user-watch-goes-on",
    title: "a watcher that waits is told what it may not read any more",
    known: "etcd's watches, which outlive the permission that they were made with",
    detector: "guarded",
    edits: [
      {
        file: "src/engine/watch-calls.ts",
        search: "const refusedNow = this.#refused(call);",
        replace: "const refusedNow: readonly WatchRefusal[] = [];",
      },
    ],
  },
  {
    id: "user-changes-members",
    title: "anybody changes members, whoever he is",
    known: "etcd CVE-2026-33413 (requests of the cluster that nobody guarded)",
    detector: "guarded",
    edits: [
      {
        file: VISITOR,
        search: '    case "authenticate":\n      return;\n',
        replace: '    case "authenticate":\n    case "memberAdd":\n    case "memberRemove":\n      return;\n',
      },
      {
        file: VISITOR,
        search: '    case "compaction":\n    case "memberAdd":\n    case "memberRemove":\n',
        replace: '    case "compaction":\n',
      },
    ],
  },
];
