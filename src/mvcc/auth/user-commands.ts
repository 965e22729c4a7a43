/** Users and what they are given. Source: etcd `server/auth/store.go`. */
import { create } from "@bufbuild/protobuf";
import { LIMITS } from "../../base/limits.ts";
import type { ErrorKey } from "../../wire/errors.ts";
import { type User, UserAddOptionsSchema, UserSchema } from "../../wire/gen/etcd/auth_pb.ts";
import type {
  AuthUserAddRequest,
  AuthUserChangePasswordRequest,
  AuthUserDeleteRequest,
  AuthUserGrantRoleRequest,
  AuthUserRevokeRoleRequest,
} from "../../wire/gen/etcd/rpc_pb.ts";
import { utf8 } from "../../wire/text.ts";
import type { AuthChange } from "./auth-change.ts";
import { ROOT_NAME } from "./grants.ts";
import { sortNames } from "./names.ts";

export function addUser(change: AuthChange, request: AuthUserAddRequest): ErrorKey | null {
  const { users } = change.records;
  if (request.name === "") return "userEmpty";
  if (users.has(request.name)) return "userExists";
  if (utf8(request.name).length > LIMITS.authNameBytesMax) return "requestTooLarge";
  if (users.count >= LIMITS.authUsersMax) return "tooManyRequests";
  const noPassword = request.options?.noPassword ?? false;
  const user = create(UserSchema, {
    name: utf8(request.name),
    password: utf8(noPassword ? "" : request.hashedPassword),
    options: create(UserAddOptionsSchema, { noPassword }),
  });
  return save(change, request.name, user);
}

export function deleteUser(change: AuthChange, { name }: AuthUserDeleteRequest): ErrorKey | null {
  const { records, tokens } = change;
  if (records.auth.enabled && name === ROOT_NAME) return "invalidAuthManagement";
  if (!records.users.delete(name)) return "userNotFound";
  tokens.endUser(name);
  change.commit();
  return null;
}

export function changePassword(
  change: AuthChange,
  { name, hashedPassword }: AuthUserChangePasswordRequest,
): ErrorKey | null {
  const user = change.records.users.get(name);
  if (user === null) return "userNotFound";
  user.password = utf8(user.options?.noPassword === true ? "" : hashedPassword);
  const error = save(change, name, user);
  if (error === null) change.tokens.endUser(name);
  return error;
}

export function grantRole(
  change: AuthChange,
  { user: name, role }: AuthUserGrantRoleRequest,
): ErrorKey | null {
  const user = change.records.users.get(name);
  if (user === null) return "userNotFound";
  // The role "root" needs no record to be given.
  if (role !== ROOT_NAME && !change.records.roles.has(role)) return "roleNotFound";
  // Given already: nothing changes, and nobody's requests become old.
  if (user.roles.includes(role)) return null;
  user.roles = sortNames([...user.roles, role]);
  return save(change, name, user);
}

export function revokeRole(change: AuthChange, { name, role }: AuthUserRevokeRoleRequest): ErrorKey | null {
  const { records } = change;
  if (records.auth.enabled && name === ROOT_NAME && role === ROOT_NAME) return "invalidAuthManagement";
  const user = records.users.get(name);
  if (user === null) return "userNotFound";
  if (!user.roles.includes(role)) return "roleNotGranted";
  user.roles = user.roles.filter((given) => given !== role);
  return save(change, name, user);
}

function save(change: AuthChange, name: string, user: User): ErrorKey | null {
  if (!change.records.users.put(name, user)) return "requestTooLarge";
  change.commit();
  return null;
}
