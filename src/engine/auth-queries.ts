/** Users and roles, as clients with permission may see them. */
import { create, toBinary } from "@bufbuild/protobuf";
import { assertNever } from "../base/assert.ts";
import { err, ok, type Result } from "../base/result.ts";
import type { AuthRecords } from "../mvcc/auth/auth-records.ts";
import type { ErrorKey } from "../wire/errors.ts";
import { PasswordAnswerSchema, type PasswordQuery, type Query } from "../wire/gen/edged_pb.ts";
import {
  AuthRoleGetResponseSchema,
  AuthRoleListResponseSchema,
  AuthStatusResponseSchema,
  AuthUserGetResponseSchema,
  AuthUserListResponseSchema,
} from "../wire/gen/etcd/rpc_pb.ts";
import { fromUtf8 } from "../wire/text.ts";

export type AuthQuery = Extract<
  Query["request"],
  { case: "authStatus" | "userGet" | "userList" | "roleGet" | "roleList" | "password" }
>;

export function answerAuthQuery(request: AuthQuery, records: AuthRecords): Result<Uint8Array, ErrorKey> {
  switch (request.case) {
    case "authStatus": {
      const { enabled, revision } = records.auth;
      const status = create(AuthStatusResponseSchema, { enabled, authRevision: revision });
      return ok(toBinary(AuthStatusResponseSchema, status));
    }
    case "userGet": {
      const user = records.users.get(request.value.name);
      if (user === null) return err("userNotFound");
      const answer = create(AuthUserGetResponseSchema, { roles: user.roles });
      return ok(toBinary(AuthUserGetResponseSchema, answer));
    }
    case "userList": {
      const users = [...records.users.all()].map(({ name }) => fromUtf8(name));
      return ok(toBinary(AuthUserListResponseSchema, create(AuthUserListResponseSchema, { users })));
    }
    case "roleGet":
      return roleGet(request.value.role, records);
    case "roleList": {
      const roles = [...records.roles.all()].map(({ name }) => fromUtf8(name));
      return ok(toBinary(AuthRoleListResponseSchema, create(AuthRoleListResponseSchema, { roles })));
    }
    case "password":
      return password(request.value, records);
    default:
      return assertNever(request, "a query about users and roles");
  }
}

function roleGet(name: string, records: AuthRecords): Result<Uint8Array, ErrorKey> {
  const role = records.roles.get(name);
  if (role === null) return err("roleNotFound");
  const answer = create(AuthRoleGetResponseSchema, { perm: role.keyPermission });
  return ok(toBinary(AuthRoleGetResponseSchema, answer));
}

/** For the gateway, which checks a password against it. Errors: authNotEnabled, authFailed, noPasswordUser. */
function password({ user: name }: PasswordQuery, records: AuthRecords): Result<Uint8Array, ErrorKey> {
  if (!records.auth.enabled) return err("authNotEnabled");
  const user = records.users.get(name);
  if (user === null) return err("authFailed");
  if (user.options?.noPassword === true) return err("noPasswordUser");
  const answer = create(PasswordAnswerSchema, { passwordHash: fromUtf8(user.password) });
  return ok(toBinary(PasswordAnswerSchema, answer));
}
