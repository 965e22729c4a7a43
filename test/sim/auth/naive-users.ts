/**
 * Users, roles and tokens as one would write them without caring for speed, and who may do what. Never
 * changed: each command makes another one, so that moments of the log can keep theirs.
 */
import { toHex } from "../../../src/base/bytes.ts";
import type { Command } from "../../../src/wire/gen/edged_pb.ts";
import { Permission_Type } from "../../../src/wire/gen/etcd/auth_pb.ts";
import type { RangeRequest, RequestOp, TxnRequest } from "../../../src/wire/gen/etcd/rpc_pb.ts";

interface NaiveUser {
  readonly password: string;
  readonly roles: readonly string[];
}

/** Hex; an empty `end` is the one key, "00" no end. */
interface NaivePermission {
  readonly key: string;
  readonly end: string;
  readonly kind: Permission_Type;
}

type Request = Command["request"];

/** What touches keys: which, and how. */
interface Touch {
  readonly key: string;
  readonly end: string;
  readonly writes: boolean;
}

/** The keys attached to a lease, in hex. */
export type KeysOf = (lease: bigint) => readonly string[];

/** What is asked for that is neither a write nor a read of keys. */
export type NaiveQuery =
  | { readonly kind: "hash" }
  | { readonly kind: "move" }
  | { readonly kind: "keep-alive"; readonly lease: bigint };

const SILENT: ReadonlySet<string> = new Set(["authenticate"]);
/** What needs a user and permissions for keys; everything else is root's. */
const TOUCHING: ReadonlySet<string> = new Set(["put", "deleteRange", "txn", "leaseGrant", "leaseRevoke"]);

export class NaiveUsers {
  readonly enabled: boolean;
  readonly revision: number;
  readonly users: ReadonlyMap<string, NaiveUser>;
  readonly roles: ReadonlyMap<string, readonly NaivePermission[]>;
  /** Whose each valid token is. */
  readonly tokens: ReadonlyMap<string, string>;

  constructor(from: Partial<NaiveUsers> = {}) {
    this.enabled = from.enabled ?? false;
    this.revision = from.revision ?? 1;
    this.users = from.users ?? new Map();
    this.roles = from.roles ?? new Map();
    this.tokens = from.tokens ?? new Map();
  }

  /** Why a command signed for `user` at `authRevision` is refused, or null. */
  refusal(request: Request, user: string, authRevision: number, keysOf: KeysOf): string | null {
    if (!this.enabled || request.case === undefined || SILENT.has(request.case)) return null;
    if (user === "") return "userEmpty";
    if (authRevision !== this.revision) return "authOldRevision";
    return this.mayDo(request, user, keysOf) ? null : "permissionDenied";
  }

  mayDo(request: Request, user: string, keysOf: KeysOf): boolean {
    if (this.#isRoot(user)) return true;
    if (!this.users.has(user) || request.case === undefined || !TOUCHING.has(request.case)) return false;
    return touchesOf(request, keysOf).every((touch) => this.#mayTouch(user, touch));
  }

  mayAsk(query: NaiveQuery, user: string, keysOf: KeysOf): boolean {
    if (this.#isRoot(user)) return true;
    if (!this.users.has(user) || query.kind !== "keep-alive") return false;
    return attached(query.lease, keysOf).every((touch) => this.#mayTouch(user, touch));
  }

  mayWatch(span: Pick<RangeRequest, "key" | "rangeEnd">, user: string): boolean {
    return this.#isRoot(user) || this.#mayTouch(user, spanOf(span, false));
  }

  mayRead(
    request:
      | { readonly case: "range"; readonly value: RangeRequest }
      | { readonly case: "txn"; readonly value: TxnRequest },
    user: string,
  ): boolean {
    if (this.#isRoot(user)) return true;
    const touches =
      request.case === "range" ? [spanOf(request.value, false)] : txnTouches(request.value, () => []);
    return touches.every((touch) => this.#mayTouch(user, touch));
  }

  /** What becomes of a command on users, roles or tokens. */
  after(request: Request): { readonly users: NaiveUsers; readonly error: string | null } {
    const refuse = (error: string) => ({ users: this, error });
    const change = (more: Partial<NaiveUsers>) => ({
      users: new NaiveUsers({ ...this, revision: this.revision + 1, ...more }),
      error: null,
    });
    const withUser = (name: string, user: NaiveUser | null) => {
      const users = new Map(this.users);
      if (user === null) users.delete(name);
      else users.set(name, user);
      return users;
    };
    const without = (name: string) => new Map([...this.tokens].filter(([, owner]) => owner !== name));
    switch (request.case) {
      case "userAdd": {
        const { name, hashedPassword } = request.value;
        if (this.users.has(name)) return refuse("userExists");
        return change({ users: withUser(name, { password: hashedPassword, roles: [] }) });
      }
      case "userDelete": {
        const { name } = request.value;
        if (this.enabled && name === "root") return refuse("invalidAuthManagement");
        if (!this.users.has(name)) return refuse("userNotFound");
        return change({ users: withUser(name, null), tokens: without(name) });
      }
      case "userChangePassword": {
        const { name, hashedPassword } = request.value;
        const user = this.users.get(name);
        if (user === undefined) return refuse("userNotFound");
        return change({
          users: withUser(name, { ...user, password: hashedPassword }),
          tokens: without(name),
        });
      }
      case "userGrantRole": {
        const { user: name, role } = request.value;
        const user = this.users.get(name);
        if (user === undefined) return refuse("userNotFound");
        if (role !== "root" && !this.roles.has(role)) return refuse("roleNotFound");
        if (user.roles.includes(role)) return { users: this, error: null };
        return change({ users: withUser(name, { ...user, roles: [...user.roles, role] }) });
      }
      case "userRevokeRole": {
        const { name, role } = request.value;
        if (this.enabled && name === "root" && role === "root") return refuse("invalidAuthManagement");
        const user = this.users.get(name);
        if (user === undefined) return refuse("userNotFound");
        if (!user.roles.includes(role)) return refuse("roleNotGranted");
        const roles = user.roles.filter((given) => given !== role);
        return change({ users: withUser(name, { ...user, roles }) });
      }
      case "roleDelete": {
        const { role } = request.value;
        if (this.enabled && role === "root") return refuse("invalidAuthManagement");
        if (!this.roles.has(role)) return refuse("roleNotFound");
        const users = new Map(
          [...this.users].map(([name, user]) => [
            name,
            { ...user, roles: user.roles.filter((given) => given !== role) },
          ]),
        );
        return change({ users, roles: new Map([...this.roles].filter(([name]) => name !== role)) });
      }
      case "roleAdd": {
        const { name } = request.value;
        if (this.roles.has(name)) return refuse("roleExists");
        return change({ roles: new Map(this.roles).set(name, []) });
      }
      case "roleGrantPermission": {
        const { name, perm } = request.value;
        const known = this.roles.get(name);
        if (known === undefined || perm === undefined) return refuse("roleNotFound");
        const given = { key: toHex(perm.key), end: toHex(perm.rangeEnd), kind: perm.permType };
        return change({
          roles: new Map(this.roles).set(name, [...known.filter((one) => !isOn(one, given)), given]),
        });
      }
      case "roleRevokePermission": {
        const { role, key, rangeEnd } = request.value;
        const known = this.roles.get(role);
        if (known === undefined) return refuse("roleNotFound");
        const kept = known.filter((one) => !isOn(one, { key: toHex(key), end: toHex(rangeEnd) }));
        if (kept.length === known.length) return refuse("permissionNotGranted");
        return change({ roles: new Map(this.roles).set(role, kept) });
      }
      case "authEnable": {
        if (this.enabled) return { users: this, error: null };
        const root = this.users.get("root");
        if (root === undefined) return refuse("rootUserMissing");
        if (!root.roles.includes("root")) return refuse("rootRoleMissing");
        return change({ enabled: true, revision: this.revision });
      }
      case "authDisable":
        return this.enabled ? change({ enabled: false, tokens: new Map() }) : { users: this, error: null };
      case "authenticate": {
        const { user: name, passwordHash, token } = request.value;
        if (!this.enabled) return refuse("authNotEnabled");
        if (this.users.get(name)?.password !== passwordHash) return refuse("authFailed");
        return change({ revision: this.revision, tokens: new Map(this.tokens).set(token, name) });
      }
      default:
        throw new Error(`${request.case} is not about users`);
    }
  }

  #isRoot(user: string): boolean {
    return this.users.get(user)?.roles.includes("root") === true;
  }

  /**
   * Half-open intervals cover another one if they hold its start and every end of theirs inside of it: the
   * lowest key that they missed would be one of these.
   */
  #mayTouch(user: string, { key, end, writes }: Touch): boolean {
    const kinds: readonly Permission_Type[] = [
      Permission_Type.READWRITE,
      writes ? Permission_Type.WRITE : Permission_Type.READ,
    ];
    const granted = (this.users.get(user)?.roles ?? [])
      .flatMap((role) => this.roles.get(role) ?? [])
      .filter(({ kind }) => kinds.includes(kind))
      .map((permission) => halfOpen(permission.key, permission.end));
    const asked = halfOpen(key, end);
    const points = [asked.key, ...granted.map((one) => one.end ?? "").filter((point) => holds(asked, point))];
    return points.every((point) => granted.some((one) => holds(one, point)));
  }
}

interface HalfOpen {
  readonly key: string;
  /** Null for none. */
  readonly end: string | null;
}

function halfOpen(key: string, end: string): HalfOpen {
  if (end === "") return { key, end: `${key}00` };
  return { key, end: end === "00" ? null : end };
}

function holds({ key, end }: HalfOpen, point: string): boolean {
  return point >= key && (end === null || point < end);
}

function isOn(
  one: Pick<NaivePermission, "key" | "end">,
  other: Pick<NaivePermission, "key" | "end">,
): boolean {
  return one.key === other.key && one.end === other.end;
}

function spanOf(
  { key, rangeEnd }: { readonly key: Uint8Array; readonly rangeEnd: Uint8Array },
  writes: boolean,
): Touch {
  return { key: toHex(key), end: toHex(rangeEnd), writes };
}

function touchesOf(request: Request, keysOf: KeysOf): Touch[] {
  switch (request.case) {
    case "put": {
      const { key, prevKv, lease } = request.value;
      const span = { key, rangeEnd: new Uint8Array() };
      return [spanOf(span, true), ...attached(lease, keysOf), ...(prevKv ? [spanOf(span, false)] : [])];
    }
    case "leaseRevoke":
      return attached(request.value.ID, keysOf);
    case "deleteRange":
      return [spanOf(request.value, true), ...(request.value.prevKv ? [spanOf(request.value, false)] : [])];
    case "txn":
      return txnTouches(request.value, keysOf);
    default:
      return [];
  }
}

/** Whoever decides on a lease decides on all its keys. */
function attached(lease: bigint, keysOf: KeysOf): Touch[] {
  return lease === 0n ? [] : keysOf(lease).map((key) => ({ key, end: "", writes: true }));
}

function txnTouches({ compare, success, failure }: TxnRequest, keysOf: KeysOf): Touch[] {
  return [
    ...compare.map((one) => spanOf(one, false)),
    ...[...success, ...failure].flatMap((operation) => operationTouches(operation, keysOf)),
  ];
}

function operationTouches({ request }: RequestOp, keysOf: KeysOf): Touch[] {
  switch (request.case) {
    case "requestRange":
      return [spanOf(request.value, false)];
    case "requestPut":
      return touchesOf({ case: "put", value: request.value }, keysOf);
    case "requestDeleteRange":
      return touchesOf({ case: "deleteRange", value: request.value }, keysOf);
    case "requestTxn":
      return txnTouches(request.value, keysOf);
    case undefined:
      return [];
  }
}
