/** Which method of the v3 API each RPC of etcd's services is. */
import type { DescMethod, DescService } from "@bufbuild/protobuf";
import { Election } from "../../wire/gen/etcd/election_pb.ts";
import { Lock } from "../../wire/gen/etcd/lock_pb.ts";
import { Auth, Cluster, KV, Lease, Maintenance, Watch } from "../../wire/gen/etcd/rpc_pb.ts";

/** A name for every RPC: one that is missing does not compile. */
type NamesOf<Service extends DescService> = { readonly [Rpc in keyof Service["method"]]: string };

const KV_NAMES: NamesOf<typeof KV> = {
  range: "kv/range",
  put: "kv/put",
  deleteRange: "kv/deleterange",
  txn: "kv/txn",
  compact: "kv/compaction",
};

const WATCH_NAMES: NamesOf<typeof Watch> = { watch: "watch" };

const LEASE_NAMES: NamesOf<typeof Lease> = {
  leaseGrant: "lease/grant",
  leaseRevoke: "lease/revoke",
  leaseKeepAlive: "lease/keepalive",
  leaseTimeToLive: "lease/timetolive",
  leaseLeases: "lease/leases",
};

const CLUSTER_NAMES: NamesOf<typeof Cluster> = {
  memberAdd: "cluster/member/add",
  memberRemove: "cluster/member/remove",
  memberUpdate: "cluster/member/update",
  memberList: "cluster/member/list",
  memberPromote: "cluster/member/promote",
};

const MAINTENANCE_NAMES: NamesOf<typeof Maintenance> = {
  alarm: "maintenance/alarm",
  status: "maintenance/status",
  defragment: "maintenance/defragment",
  hash: "maintenance/hash",
  hashKV: "maintenance/hashkv",
  snapshot: "maintenance/snapshot",
  moveLeader: "maintenance/transfer-leadership",
  downgrade: "maintenance/downgrade",
};

const AUTH_NAMES: NamesOf<typeof Auth> = {
  authEnable: "auth/enable",
  authDisable: "auth/disable",
  authStatus: "auth/status",
  authenticate: "auth/authenticate",
  userAdd: "auth/user/add",
  userGet: "auth/user/get",
  userList: "auth/user/list",
  userDelete: "auth/user/delete",
  userChangePassword: "auth/user/changepw",
  userGrantRole: "auth/user/grant",
  userRevokeRole: "auth/user/revoke",
  roleAdd: "auth/role/add",
  roleGet: "auth/role/get",
  roleList: "auth/role/list",
  roleDelete: "auth/role/delete",
  roleGrantPermission: "auth/role/grant",
  roleRevokePermission: "auth/role/revoke",
};

const LOCK_NAMES: NamesOf<typeof Lock> = { lock: "lock/lock", unlock: "lock/unlock" };

const ELECTION_NAMES: NamesOf<typeof Election> = {
  campaign: "election/campaign",
  proclaim: "election/proclaim",
  leader: "election/leader",
  observe: "election/observe",
  resign: "election/resign",
};

interface NamedService {
  readonly service: DescService;
  /** By the RPC's local name. */
  readonly names: Readonly<Record<string, string>>;
}

const SERVICES: readonly NamedService[] = [
  { service: KV, names: KV_NAMES },
  { service: Watch, names: WATCH_NAMES },
  { service: Lease, names: LEASE_NAMES },
  { service: Cluster, names: CLUSTER_NAMES },
  { service: Maintenance, names: MAINTENANCE_NAMES },
  { service: Auth, names: AUTH_NAMES },
  { service: Lock, names: LOCK_NAMES },
  { service: Election, names: ELECTION_NAMES },
];

export interface NamedRpc {
  readonly rpc: DescMethod;
  /** The method's path below `/v3/`. */
  readonly name: string;
}

/** All RPCs of etcd's services. */
export const RPCS: readonly NamedRpc[] = SERVICES.flatMap(({ service, names }) =>
  service.methods.map((rpc) => ({ rpc, name: names[rpc.localName] ?? "" })),
);
