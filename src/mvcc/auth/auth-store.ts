import { assertNever } from "../../base/assert.ts";
import { prefixEnd } from "../../base/bytes.ts";
import { LIMITS } from "../../base/limits.ts";
import type { ErrorKey } from "../../wire/errors.ts";
import type { Command, TokenGrant } from "../../wire/gen/edged_pb.ts";
import { fromUtf8 } from "../../wire/text.ts";
import { leaseIdBytes } from "../lease/lease-id.ts";
import { SYSTEM_PREFIX, systemKey } from "../system-keys.ts";
import type { SystemTable } from "../system-table.ts";
import type { Actor } from "./actor.ts";
import type { AuthChange } from "./auth-change.ts";
import { AuthRecords } from "./auth-records.ts";
import { type Grants, grantsOf, ROOT_NAME } from "./grants.ts";
import type { KeySet } from "./key-set.ts";
import type { Need } from "./need.ts";
import { addRole, deleteRole, grantPermission, revokePermission } from "./role-commands.ts";
import { type Token, TokenTable } from "./token-table.ts";
import { addUser, changePassword, deleteUser, grantRole, revokeRole } from "./user-commands.ts";
import { needsOfCommand } from "./visitor.ts";

/**
 * Users, roles and tokens of the group, and the judge of what each may do. What is in memory are
 * merged permissions of one revision of users and roles, and the tokens; all of it is read again
 * from the rows by the next instance.
 */
export class AuthStore {
  readonly records: AuthRecords;
  readonly #system: SystemTable;
  readonly #tokens: TokenTable;
  readonly #change: AuthChange;
  /** By user, of the present revision; null for nobody. Oldest first. */
  readonly #grants = new Map<string, Grants | null>();

  constructor(system: SystemTable) {
    this.#system = system;
    this.records = new AuthRecords(system);
    this.#tokens = new TokenTable(system);
    this.#change = {
      records: this.records,
      tokens: this.#tokens,
      commit: () => this.#commit(this.records.auth.enabled),
    };
  }

  get isEnabled(): boolean {
    return this.records.auth.enabled;
  }

  /** Counts the changes of users and roles. */
  get revision(): bigint {
    return this.records.auth.revision;
  }

  /** Whose token this is; null for nobody's that is known here. Whether its time is over the caller must see. */
  token(token: string): Token | null {
    return this.#tokens.get(token);
  }

  /** Why whoever asks may not have what is needed, or null. Errors: userEmpty, authOldRevision, permissionDenied. */
  refusal(needs: Iterable<Need>, actor: Actor): ErrorKey | null {
    if (!this.isEnabled || actor.kind === "group") return null;
    for (const need of needs) {
      if (actor.user === "") return "userEmpty";
      if (actor.authRevision !== this.revision) return "authOldRevision";
      const grants = this.#grantsOf(actor.user);
      if (grants === null || !this.#has(actor.user, grants, need)) return "permissionDenied";
    }
    return null;
  }

  /** Why a command in the log may not run, or null. */
  commandRefusal(command: Command): ErrorKey | null {
    if (!this.isEnabled) return null;
    const { internal, user, authRevision } = command;
    return this.refusal(
      needsOfCommand(command),
      internal ? { kind: "group" } : { kind: "client", user, authRevision },
    );
  }

  /**
   * Carries out a command on users, roles or tokens. One of the group itself on a token prolongs it,
   * where it is still valid.
   */
  execute(request: AuthRequest, isInternal: boolean): ErrorKey | null {
    const change = this.#change;
    switch (request.case) {
      case "authEnable":
        return this.#enable();
      case "authDisable":
        return this.#disable();
      case "authenticate":
        return isInternal ? this.#prolong(request.value) : this.#grantToken(request.value);
      case "userAdd":
        return addUser(change, request.value);
      case "userDelete":
        return deleteUser(change, request.value);
      case "userChangePassword":
        return changePassword(change, request.value);
      case "userGrantRole":
        return grantRole(change, request.value);
      case "userRevokeRole":
        return revokeRole(change, request.value);
      case "roleAdd":
        return addRole(change, request.value);
      case "roleDelete":
        return deleteRole(change, request.value);
      case "roleGrantPermission":
        return grantPermission(change, request.value);
      case "roleRevokePermission":
        return revokePermission(change, request.value);
      default:
        return assertNever(request, "auth command");
    }
  }

  /** As in etcd this is no change of users and roles: its revision stays. */
  #enable(): ErrorKey | null {
    const { auth, users } = this.records;
    if (auth.enabled) return null;
    const root = users.get(ROOT_NAME);
    if (root === null) return "rootUserMissing";
    if (!root.roles.includes(ROOT_NAME)) return "rootRoleMissing";
    this.records.setAuth(true, auth.revision);
    return null;
  }

  #disable(): null {
    if (!this.isEnabled) return null;
    this.#tokens.endAll();
    this.#commit(false);
    return null;
  }

  /** The password was checked before, against what the user had then: it counts if that is still so. */
  #grantToken({ user: name, passwordHash, token, expiresAtMs }: TokenGrant): ErrorKey | null {
    if (!this.isEnabled) return "authNotEnabled";
    const user = this.records.users.get(name);
    if (user === null || user.password.length === 0) return "authFailed";
    if (fromUtf8(user.password) !== passwordHash) return "authFailed";
    this.#tokens.grant(token, name, Number(expiresAtMs));
    return null;
  }

  #prolong({ user, token, expiresAtMs }: TokenGrant): ErrorKey | null {
    if (this.#tokens.get(token)?.user !== user) return "invalidAuthToken";
    this.#tokens.grant(token, user, Number(expiresAtMs));
    return null;
  }

  #commit(enabled: boolean): void {
    this.records.setAuth(enabled, this.revision + 1n);
    this.#grants.clear();
  }

  #has(user: string, grants: Grants, need: Need): boolean {
    if (need.kind === "group") return false;
    if (grants.isRoot) return true;
    switch (need.kind) {
      case "user":
        return true;
      case "root":
        return false;
      case "be-user":
        return need.name === user;
      case "have-role":
        return grants.roles.has(need.name);
      case "read":
        return grants.read.covers(need.interval);
      case "write":
        return grants.write.covers(need.interval);
      case "read-attached":
        return this.#coversAttached(grants.read, need.lease);
      case "write-attached":
        return this.#coversAttached(grants.write, need.lease);
      default:
        return assertNever(need, "need");
    }
  }

  /** Looks into the gaps of the permissions, which are few, not at the keys of the lease, which may be many. */
  #coversAttached(allowed: KeySet, lease: bigint): boolean {
    const prefix = systemKey(SYSTEM_PREFIX.attached, leaseIdBytes(lease));
    for (const { from, end } of allowed.gaps()) {
      const last = end === null ? prefixEnd(prefix) : systemKey(prefix, end);
      if (this.#system.page(systemKey(prefix, from), last, 1).length > 0) return false;
    }
    return true;
  }

  #grantsOf(name: string): Grants | null {
    const known = this.#grants.get(name);
    if (known !== undefined) return known;
    const user = this.records.users.get(name);
    const grants = user === null ? null : grantsOf(this.records, user);
    const oldest = this.#grants.keys().next();
    if (this.#grants.size >= LIMITS.permissionsCachedMax && oldest.done === false) {
      this.#grants.delete(oldest.value);
    }
    this.#grants.set(name, grants);
    return grants;
  }
}

/** Commands on users, roles and tokens. */
export type AuthRequest = Extract<
  Command["request"],
  {
    case:
      | "authEnable"
      | "authDisable"
      | "authenticate"
      | "userAdd"
      | "userDelete"
      | "userChangePassword"
      | "userGrantRole"
      | "userRevokeRole"
      | "roleAdd"
      | "roleDelete"
      | "roleGrantPermission"
      | "roleRevokePermission";
  }
>;

const AUTH_CASES: ReadonlySet<string> = new Set<AuthRequest["case"]>([
  "authEnable",
  "authDisable",
  "authenticate",
  "userAdd",
  "userDelete",
  "userChangePassword",
  "userGrantRole",
  "userRevokeRole",
  "roleAdd",
  "roleDelete",
  "roleGrantPermission",
  "roleRevokePermission",
]);

export function isAuthRequest(request: Command["request"]): request is AuthRequest {
  return request.case !== undefined && AUTH_CASES.has(request.case);
}
