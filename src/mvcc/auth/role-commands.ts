/** Roles and their permissions. Source: etcd `server/auth/store.go`. */
import { create } from "@bufbuild/protobuf";
import { compareBytes, equalBytes } from "../../base/bytes.ts";
import { LIMITS } from "../../base/limits.ts";
import type { ErrorKey } from "../../wire/errors.ts";
import { type Permission, PermissionSchema, type Role, RoleSchema } from "../../wire/gen/etcd/auth_pb.ts";
import type {
  AuthRoleAddRequest,
  AuthRoleDeleteRequest,
  AuthRoleGrantPermissionRequest,
  AuthRoleRevokePermissionRequest,
} from "../../wire/gen/etcd/rpc_pb.ts";
import { fromUtf8, utf8 } from "../../wire/text.ts";
import type { AuthChange } from "./auth-change.ts";
import { ROOT_NAME } from "./grants.ts";

export function addRole(change: AuthChange, { name }: AuthRoleAddRequest): ErrorKey | null {
  const { roles } = change.records;
  if (name === "") return "roleEmpty";
  if (roles.has(name)) return "roleExists";
  if (utf8(name).length > LIMITS.authNameBytesMax) return "requestTooLarge";
  if (roles.count >= LIMITS.authRolesMax) return "tooManyRequests";
  return save(change, name, create(RoleSchema, { name: utf8(name) }));
}

/** Takes the role from everybody who has it, too. */
export function deleteRole(change: AuthChange, { role: name }: AuthRoleDeleteRequest): ErrorKey | null {
  const { auth, roles, users } = change.records;
  if (auth.enabled && name === ROOT_NAME) return "invalidAuthManagement";
  if (!roles.delete(name)) return "roleNotFound";
  for (const user of [...users.all()]) {
    if (!user.roles.includes(name)) continue;
    user.roles = user.roles.filter((given) => given !== name);
    users.put(fromUtf8(user.name), user);
  }
  change.commit();
  return null;
}

/** A permission on the same key and end takes the place of the one before. */
export function grantPermission(
  change: AuthChange,
  { name, perm }: AuthRoleGrantPermissionRequest,
): ErrorKey | null {
  const role = change.records.roles.get(name);
  if (role === null) return "roleNotFound";
  // etcd's process ends here.
  if (perm === undefined) return "permissionNotGiven";
  const { key, rangeEnd, permType } = perm;
  const known = role.keyPermission.find((permission) => isOn(permission, key, rangeEnd));
  if (known !== undefined) known.permType = permType;
  else {
    const permission = create(PermissionSchema, { key, rangeEnd, permType });
    role.keyPermission = [...role.keyPermission, permission].sort((a, b) => compareBytes(a.key, b.key));
  }
  return save(change, name, role);
}

export function revokePermission(
  change: AuthChange,
  { role: name, key, rangeEnd }: AuthRoleRevokePermissionRequest,
): ErrorKey | null {
  const role = change.records.roles.get(name);
  if (role === null) return "roleNotFound";
  const kept = role.keyPermission.filter((permission) => !isOn(permission, key, rangeEnd));
  if (kept.length === role.keyPermission.length) return "permissionNotGranted";
  role.keyPermission = kept;
  return save(change, name, role);
}

function isOn(permission: Permission, key: Uint8Array, rangeEnd: Uint8Array): boolean {
  return equalBytes(permission.key, key) && equalBytes(permission.rangeEnd, rangeEnd);
}

function save(change: AuthChange, name: string, role: Role): ErrorKey | null {
  if (!change.records.roles.put(name, role)) return "requestTooLarge";
  change.commit();
  return null;
}
