/** What etcdctl is told to do, in this order; both stores begin empty. */

export interface Step {
  /** Arguments; `{lease}` is the last lease granted, `{peer}` another member's address, `{file}` a new file. */
  readonly args: readonly string[];
  readonly stdin?: string;
  /** It runs until it is interrupted, once `lines` have come; meanwhile these are run. */
  readonly meanwhile?: { readonly steps: readonly (readonly string[])[]; readonly lines: number };
  /** What it prints is a store's own (names, sizes, addresses): only success or failure is compared. */
  readonly isOwn?: true;
  /** It is for one address, not for all of them. */
  readonly isSingle?: true;
  /** How long it may take, if not the usual time. */
  readonly seconds?: number;
}

const ROOT = ["--user", "root:pw"];
const ANN = ["--user", "ann:pw"];

function plain(...lines: readonly string[]): readonly Step[] {
  return lines.map((line) => ({ args: line.split(" ") }));
}

const KEYS: readonly Step[] = [
  ...plain("put a 1", "put a 2 --prev-kv", "put b/1 x", "put b/2 y", "put b/3 z"),
  ...plain(
    "get a",
    "get missing",
    "get b/ --prefix",
    "get b/ --prefix --keys-only",
    "get a --print-value-only",
  ),
  ...plain(
    "get b/ --prefix --limit 2",
    "get b/1 b/3",
    "get b/2 --from-key",
    "get a --rev 2",
    "get a --rev 99",
  ),
  ...plain(
    "get b/ --prefix --sort-by KEY --order DESCEND",
    "get b/ --prefix --sort-by MODIFY --order ASCEND",
  ),
  ...plain("get b/ --prefix --sort-by VALUE --order DESCEND", "get a --consistency s", "get a --hex"),
  ...plain(
    "get a -w json",
    "get b/ --prefix -w json",
    "get a -w fields",
    "put a 3 -w json",
    "get a -w protobuf",
  ),
  ...plain(
    "put a --ignore-value",
    "put a 4 --ignore-lease",
    "put k --lease=1 v",
    "put nobody --ignore-value",
  ),
  { args: ["put", "stdin"], stdin: "from stdin\n" },
  { args: ["put", "empty", ""] },
  { args: ["put", "", "x"] },
  { args: ["get", ""] },
  { args: ["get", "", "--prefix", "--keys-only"] },
  ...plain("del b/1", "del b/1", "del b/2 --prev-kv", "del b/ --prefix -w json", "del z zz"),
];

const TRANSACTIONS: readonly Step[] = [
  { args: ["txn"], stdin: 'value("a") = "4"\n\nput t 1\nget a\n\nput t 2\n\n' },
  { args: ["txn"], stdin: 'mod("a") > "1000"\n\nput t 3\n\nget t\ndel t\n\n' },
  { args: ["txn", "-w", "json"], stdin: 'create("new") = "0"\n\nput new 1\n\n\n' },
  { args: ["txn"], stdin: 'version("a") = "x"\n\n\n\n' },
  { args: ["txn"], stdin: "\nput d 1\nput d 2\n\n\n" },
  ...plain("compaction 3", "compaction 3", "compaction 1000", "get a --rev 2", "compaction 5 --physical"),
];

const WATCHES: readonly Step[] = [
  {
    args: ["watch", "w/", "--prefix"],
    meanwhile: {
      steps: [
        ["put", "w/1", "1"],
        ["del", "w/1"],
      ],
      lines: 5,
    },
  },
  { args: ["watch", "a", "--rev", "6"], meanwhile: { steps: [], lines: 6 } },
  { args: ["watch", "a", "--rev", "2"], meanwhile: { steps: [], lines: 2 } },
  {
    args: ["watch", "w/2", "--prev-kv"],
    meanwhile: {
      steps: [
        ["put", "w/2", "1"],
        ["put", "w/2", "2"],
      ],
      lines: 8,
    },
  },
  { args: ["watch", "w/3", "-w", "json"], meanwhile: { steps: [["put", "w/3", "1"]], lines: 1 } },
  {
    args: ["watch", "-i"],
    stdin: "watch w/4\nwatch w/5\n",
    meanwhile: {
      steps: [
        ["put", "w/4", "1"],
        ["put", "w/5", "1"],
      ],
      lines: 6,
    },
  },
  { args: ["watch", "w/6", "--", "echo", "changed"], meanwhile: { steps: [["put", "w/6", "1"]], lines: 4 } },
  {
    args: ["make-mirror", "--prefix=w/", "--dest-prefix=copy/", "{self}"],
    meanwhile: { steps: [["put", "w/7", "1"]], lines: 0 },
    isOwn: true,
  },
];

const LEASES: readonly Step[] = [
  ...plain("lease grant 60", "put l/1 x --lease={lease}", "put l/2 y --lease={lease}", "lease list"),
  ...plain("lease timetolive {lease}", "lease timetolive {lease} --keys", "lease keep-alive --once {lease}"),
  ...plain("get l/1 -w json", "lease revoke {lease}", "get l/ --prefix", "lease timetolive {lease}"),
  ...plain(
    "lease revoke 1234",
    "lease keep-alive --once 1234",
    "lease grant 0",
    "lease grant -w json 30",
    "lease list",
  ),
];

const CONCURRENCY: readonly Step[] = [
  { args: ["lock", "mutex", "echo", "held"] },
  { args: ["lock", "mutex", "--ttl", "10", "false"] },
  { args: ["elect", "vote", "ann"], meanwhile: { steps: [], lines: 2 } },
  { args: ["elect", "-l", "vote"], meanwhile: { steps: [], lines: 0 } },
];

const CLUSTER: readonly Step[] = [
  { args: ["member", "list"], isOwn: true },
  { args: ["member", "list", "-w", "table"], isOwn: true },
  { args: ["endpoint", "health"], isOwn: true },
  { args: ["endpoint", "health", "--cluster"], isOwn: true },
  { args: ["endpoint", "status", "-w", "table"], isOwn: true },
  { args: ["endpoint", "hashkv"], isOwn: true },
  ...plain("alarm list", "alarm disarm"),
  { args: ["defrag"], isOwn: true },
  { args: ["move-leader", "1"] },
  { args: ["member", "remove", "1"], isOwn: true },
  { args: ["member", "update", "1", "--peer-urls=http://127.0.0.1:1"], isOwn: true },
  { args: ["member", "promote", "1"], isOwn: true },
  { args: ["snapshot", "save", "{file}"], isOwn: true, isSingle: true },
  { args: ["snapshot", "status", "{lastfile}"], isOwn: true },
];

const USERS: readonly Step[] = [
  ...plain(
    "user list",
    "role list",
    "user add root:pw",
    "user add root:pw",
    "user add ann:pw",
    "role add reader",
  ),
  ...plain(
    "role add reader",
    "role grant-permission reader read r/ --prefix",
    "role grant-permission nobody read x",
  ),
  ...plain(
    "role grant-permission reader readwrite rw/1",
    "role get reader",
    "role get nobody",
    "user grant-role ann reader",
  ),
  ...plain("user get ann", "user get ann --detail", "user get nobody", "user list", "role list", "put r/1 x"),
  ...plain("auth enable", "get r/1", "user list"),
  { args: [...ROOT, "get", "r/1"] },
  { args: [...ANN, "get", "r/1"] },
  { args: [...ANN, "put", "r/1", "y"] },
  { args: [...ANN, "put", "rw/1", "y"] },
  { args: [...ANN, "get", "x"] },
  { args: [...ANN, "user", "list"] },
  { args: [...ANN, "watch", "x"], meanwhile: { steps: [], lines: 1 } },
  { args: ["--user", "ann:wrong", "get", "r/1"] },
  { args: [...ROOT, "role", "revoke-permission", "reader", "rw/1"] },
  { args: [...ROOT, "user", "revoke-role", "ann", "reader"] },
  { args: [...ANN, "get", "r/1"] },
  { args: [...ROOT, "user", "delete", "ann"] },
  { args: [...ROOT, "role", "delete", "reader"] },
  { args: [...ROOT, "auth", "disable"] },
  ...plain("get r/1", "user list", "auth disable"),
];

export const STEPS: readonly Step[] = [
  ...KEYS,
  ...TRANSACTIONS,
  ...WATCHES,
  ...LEASES,
  ...CONCURRENCY,
  ...CLUSTER,
  ...USERS,
];

/** Long: a minute of load. Only success counts. */
export const PERFORMANCE: readonly Step[] = [
  { args: ["check", "perf", "--load=s"], isOwn: true, seconds: 120 },
];
