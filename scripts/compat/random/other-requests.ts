/** Random requests of the other services, without what docs/etcd-differences.md lists. */
import type { Prng } from "../../../src/base/prng.ts";
import { bytesForm, type Json, type JsonObject, numberForm } from "./json-forms.ts";
import { KEYS, type KvRequests, LEASES } from "./kv-requests.ts";

/** Below `/v3/`, and what is asked. */
export type Call = readonly [path: string, body: JsonObject];

const USERS = ["root", "ann", "bob", ""] as const;
const ROLES = ["root", "reader", "writer", ""] as const;
const LOCKS = ["l", "m", "l/x", ""] as const;

export function leaseCall(random: Prng): Call {
  const ID = numberForm(random, random.pick([...LEASES, 1, 2, 3, 99, -7]));
  // All of them different, so that the order in which they end is not left to chance.
  const TTL = numberForm(
    random,
    random.chance(0.95) ? 1_000 + random.below(100_000) : random.pick([9e9 + 1, 9e9]),
  );
  switch (random.below(9)) {
    case 0:
    case 1:
    case 2:
      return ["lease/grant", { ID: random.chance(0.97) ? ID : 0, TTL }];
    case 3:
      return ["lease/revoke", { ID }];
    case 4:
      return ["kv/lease/revoke", { ID }];
    case 5:
      return ["lease/timetolive", { ID, ...(random.chance(0.7) ? { keys: true } : {}) }];
    case 6:
      return ["kv/lease/timetolive", { ID, keys: true }];
    case 7:
      return ["lease/keepalive", random.chance(0.9) ? { ID } : {}];
    default:
      return [random.pick(["lease/leases", "kv/lease/leases"]), {}];
  }
}

/** Those that need not wait: whoever has to is seen by `timeoutMs` of the request. */
export function coordinationCall(random: Prng, keys: KvRequests): Call {
  const name = bytesForm(random, random.pick(LOCKS));
  const lease = numberForm(random, random.pick([1, 2, 3, 99]));
  const id = random.pick([1, 2, 3]);
  const key = bytesForm(random, `${random.pick(LOCKS)}/${id}`);
  const leader: JsonObject = {
    name,
    key,
    ...(random.chance(0.9) ? { rev: numberForm(random, keys.revision()) } : {}),
    lease: numberForm(random, id),
  };
  const value = bytesForm(random, random.pick(["", "x", "y"]));
  switch (random.below(7)) {
    case 0:
      return ["lock/lock", { name, lease }];
    case 1:
      return ["lock/unlock", random.chance(0.9) ? { key } : {}];
    case 2:
      return ["election/campaign", { name, lease, value }];
    case 3:
      return ["election/proclaim", random.chance(0.9) ? { leader, value } : { value }];
    case 4:
      return ["election/resign", random.chance(0.9) ? { leader } : {}];
    default:
      return ["election/leader", { name }];
  }
}

export function authCall(random: Prng): Call {
  const name = random.pick(USERS);
  const role = random.pick(ROLES);
  const password = random.pick(["pw", "pw", "other", ""]);
  const calls: readonly Call[] = [
    ["auth/user/add", { name, password, ...(random.chance(0.1) ? { options: { no_password: true } } : {}) }],
    ["auth/user/get", { name }],
    ["auth/user/list", {}],
    ["auth/user/delete", { name: random.pick(["ann", "bob", "nobody", "root"]) }],
    ["auth/user/changepw", { name, password }],
    ["auth/user/grant", { user: name, role }],
    ["auth/user/grant", { user: name, role }],
    ["auth/user/revoke", { name, role }],
    ["auth/role/add", { name: role }],
    ["auth/role/get", { role }],
    ["auth/role/list", {}],
    ["auth/role/delete", { role: random.pick(["reader", "writer", "nothing"]) }],
    ["auth/role/grant", { name: role, perm: permission(random) }],
    ["auth/role/grant", { name: role, perm: permission(random) }],
    ["auth/role/revoke", { role, ...interval(random) }],
    ["auth/authenticate", { name, password }],
    ["auth/authenticate", { name: random.pick(["root", "ann", "bob"]), password: "pw" }],
    ["auth/enable", {}],
    ["auth/disable", {}],
  ];
  return random.pick(calls);
}

/** A user of each kind, and permissions; auth is on afterwards. */
export const AUTH_SETUP: readonly Call[] = [
  ["auth/user/add", { name: "root", password: "pw" }],
  ["auth/role/add", { name: "root" }],
  ["auth/user/grant", { user: "root", role: "root" }],
  ["auth/user/add", { name: "ann", password: "pw" }],
  ["auth/user/add", { name: "bob", password: "pw" }],
  ["auth/role/add", { name: "reader" }],
  ["auth/user/grant", { user: "ann", role: "reader" }],
  ["auth/role/grant", { name: "reader", perm: { permType: "READ", key: "YQ==", range_end: "Yw==" } }],
  ["auth/role/grant", { name: "reader", perm: { permType: "READWRITE", key: "Yg==" } }],
  ["auth/enable", {}],
  ["auth/authenticate", { name: "root", password: "pw" }],
  ["auth/authenticate", { name: "ann", password: "pw" }],
  ["auth/authenticate", { name: "bob", password: "pw" }],
];

function permission(random: Prng): JsonObject {
  const permType = random.pick<Json>(["READ", "WRITE", "READWRITE", 0, 1, 2]);
  return { ...(random.chance(0.8) ? { permType } : {}), ...interval(random) };
}

/** One end for each key: two of them for one key are listed in another order. */
function interval(random: Prng): JsonObject {
  const [key, end] = random.pick([
    ["a", ""],
    ["ab", "b"],
    ["b", "c"],
    ["c", "\u0000"],
    ["z", "a"],
    ["b/", "b0"],
    ["", "\u0000"],
  ] as const);
  return { key: bytesForm(random, key), ...(end === "" ? {} : { range_end: bytesForm(random, end) }) };
}

/** Two kinds of alarm at the same time etcd does not keep apart. */
export function maintenanceCall(random: Prng, alarm: string): Call {
  const memberID = numberForm(random, random.pick([0, 1, 2]));
  const calls: readonly Call[] = [
    ["maintenance/status", {}],
    ["maintenance/alarm", { action: "GET", ...(random.chance(0.5) ? { alarm } : {}) }],
    ["maintenance/alarm", { action: "ACTIVATE", memberID, alarm }],
    ["maintenance/alarm", { action: "DEACTIVATE", memberID, alarm }],
    ["maintenance/alarm", { action: random.pick<Json>([2, "2"]), memberID, alarm }],
    ["maintenance/defragment", {}],
    ["maintenance/hash", {}],
    ["maintenance/transfer-leadership", { targetID: numberForm(random, random.pick([0, 1, 12345])) }],
  ];
  return random.pick(calls);
}

export function clusterCall(random: Prng): Call {
  const ID = numberForm(random, random.pick([0, 1, 12345, "18446744073709551615"]));
  const peerURLs = random.pick<Json>([
    [],
    ["nonsense"],
    ["http://"],
    ["ftp://h:1"],
    ["http://h"],
    ["http://h:1/path"],
  ]);
  const calls: readonly Call[] = [
    ["cluster/member/list", {}],
    ["cluster/member/add", { peerURLs }],
    ["cluster/member/remove", { ID }],
    ["cluster/member/update", { ID, peerURLs }],
    ["cluster/member/promote", { ID }],
  ];
  return random.pick(calls);
}

/** A watch of what has been; every one of `count` is announced before anything else. */
export function watchBody(random: Prng, keys: KvRequests, count: number): string {
  return Array.from({ length: count }, () => {
    const create: JsonObject = {
      ...keys.interval(),
      ...(random.chance(0.4) ? { start_revision: numberForm(random, Math.max(0, keys.revision())) } : {}),
      ...(random.chance(0.4) ? { prev_kv: true } : {}),
      ...(random.chance(0.2) ? { filters: [random.pick<Json>(["NOPUT", "NODELETE", 0, 1])] } : {}),
      ...(random.chance(0.2) ? { watch_id: numberForm(random, random.pick([0, 1, 2, 7, -3])) } : {}),
      ...(random.chance(0.1) ? { fragment: true } : {}),
      ...(random.chance(0.1) ? { progress_notify: true } : {}),
    };
    return JSON.stringify({ create_request: create });
  }).join(random.pick(["", "\n", " "]));
}

/** Ends the history of all keys: whoever watches one of them hears of it. */
export const CURTAIN: readonly Call[] = [
  ...KEYS.map((key): Call => {
    const base64 = Buffer.from(key, "latin1").toString("base64");
    return ["kv/put", { key: base64, value: "ZW5k" }];
  }),
  ["kv/deleterange", { key: "AA==", range_end: "AA==" }],
];

const ODD_PATHS = [
  ...[
    "/v3/kv/put/",
    "/v3/kv/Put",
    "/v3/KV/put",
    "/v3//kv/put",
    "/v3/kv",
    "/v3/",
    "/v3",
    "/v3/nothing",
    "/v3beta/kv/range",
  ],
  ...["/v3beta/nothing", "/v3/kv/%72ange", "/v3/kv/range?key=YQ==", "/v3/kv/%zz"],
  ...[
    "/v3/kv/range%2f",
    "/v3/auth/status",
    "/v3/maintenance/hashkv",
    "/v3/maintenance/downgrade",
    "/v3/kv/range;a=b",
  ],
  ...[
    "/v3/lease/keepalive/",
    "/v3/kv/lease/grant",
    "/v3/kv/lease/keepalive",
    "/v3/kv/range?",
    "/v3/kv/rangex",
  ],
  ...[
    "/health",
    "/version",
    "/health/",
    "/version/",
    "/version?x",
    "/v3/watch/x",
    "/v3/cluster/member",
    "/v3/kv/ra%20nge",
  ],
];
const METHODS = ["GET", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "POST", "POST"];

export function oddRequest(random: Prng): { readonly method: string; readonly path: string } {
  const path = random.pick(ODD_PATHS);
  const method = random.pick(METHODS);
  // Who only asks what is allowed is answered before the path is read.
  return { path, method: method === "OPTIONS" && path.includes("%zz") ? "GET" : method };
}
