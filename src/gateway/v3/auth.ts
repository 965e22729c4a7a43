/** The Auth service. */
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { LIMITS } from "../../base/limits.ts";
import { ERRORS } from "../../wire/errors.ts";
import { PasswordAnswerSchema, type Query, QuerySchema, TokenGrantSchema } from "../../wire/gen/edged_pb.ts";
import {
  AuthDisableRequestSchema,
  AuthDisableResponseSchema,
  AuthEnableRequestSchema,
  AuthEnableResponseSchema,
  type AuthenticateRequest,
  AuthenticateRequestSchema,
  type AuthenticateResponse,
  AuthenticateResponseSchema,
  AuthRoleAddRequestSchema,
  AuthRoleAddResponseSchema,
  AuthRoleDeleteRequestSchema,
  AuthRoleDeleteResponseSchema,
  AuthRoleGetRequestSchema,
  AuthRoleGetResponseSchema,
  AuthRoleGrantPermissionRequestSchema,
  AuthRoleGrantPermissionResponseSchema,
  AuthRoleListRequestSchema,
  AuthRoleListResponseSchema,
  AuthRoleRevokePermissionRequestSchema,
  AuthRoleRevokePermissionResponseSchema,
  AuthStatusRequestSchema,
  AuthStatusResponseSchema,
  type AuthUserAddRequest,
  AuthUserAddRequestSchema,
  type AuthUserAddResponse,
  AuthUserAddResponseSchema,
  type AuthUserChangePasswordRequest,
  AuthUserChangePasswordRequestSchema,
  type AuthUserChangePasswordResponse,
  AuthUserChangePasswordResponseSchema,
  AuthUserDeleteRequestSchema,
  AuthUserDeleteResponseSchema,
  AuthUserGetRequestSchema,
  AuthUserGetResponseSchema,
  AuthUserGrantRoleRequestSchema,
  AuthUserGrantRoleResponseSchema,
  AuthUserListRequestSchema,
  AuthUserListResponseSchema,
  AuthUserRevokeRoleRequestSchema,
  AuthUserRevokeRoleResponseSchema,
} from "../../wire/gen/etcd/rpc_pb.ts";
import { freshOperationIds } from "../operation-id.ts";
import { mintToken, tokenDigest } from "../sign-in-token.ts";
import type { V3Call, V3Outcome } from "./call.ts";
import { query, write } from "./exchange.ts";
import { unary, type V3Method } from "./method.ts";
import { refusedFor, rejectedRequest, unansweredRequest, type V3Refusal } from "./refusal.ts";

/** Methods by their path below `/v3/`. */
export const AUTH_METHODS: Readonly<Record<string, V3Method>> = {
  "auth/enable": unary(AuthEnableRequestSchema, AuthEnableResponseSchema, (call) =>
    write(call, { case: "authEnable", value: call.request }, AuthEnableResponseSchema),
  ),
  "auth/disable": unary(AuthDisableRequestSchema, AuthDisableResponseSchema, (call) =>
    write(call, { case: "authDisable", value: call.request }, AuthDisableResponseSchema),
  ),
  "auth/status": unary(AuthStatusRequestSchema, AuthStatusResponseSchema, (call) =>
    query(call, { case: "authStatus", value: call.request }, "linearizable", AuthStatusResponseSchema),
  ),
  "auth/authenticate": unary(AuthenticateRequestSchema, AuthenticateResponseSchema, authenticate),
  "auth/user/add": unary(AuthUserAddRequestSchema, AuthUserAddResponseSchema, addUser),
  "auth/user/get": unary(AuthUserGetRequestSchema, AuthUserGetResponseSchema, (call) =>
    query(call, { case: "userGet", value: call.request }, "linearizable", AuthUserGetResponseSchema),
  ),
  "auth/user/list": unary(AuthUserListRequestSchema, AuthUserListResponseSchema, (call) =>
    query(call, { case: "userList", value: call.request }, "linearizable", AuthUserListResponseSchema),
  ),
  "auth/user/delete": unary(AuthUserDeleteRequestSchema, AuthUserDeleteResponseSchema, (call) =>
    write(call, { case: "userDelete", value: call.request }, AuthUserDeleteResponseSchema),
  ),
  "auth/user/changepw": unary(
    AuthUserChangePasswordRequestSchema,
    AuthUserChangePasswordResponseSchema,
    changePassword,
  ),
  "auth/user/grant": unary(AuthUserGrantRoleRequestSchema, AuthUserGrantRoleResponseSchema, (call) =>
    write(call, { case: "userGrantRole", value: call.request }, AuthUserGrantRoleResponseSchema),
  ),
  "auth/user/revoke": unary(AuthUserRevokeRoleRequestSchema, AuthUserRevokeRoleResponseSchema, (call) =>
    write(call, { case: "userRevokeRole", value: call.request }, AuthUserRevokeRoleResponseSchema),
  ),
  "auth/role/add": unary(AuthRoleAddRequestSchema, AuthRoleAddResponseSchema, (call) =>
    write(call, { case: "roleAdd", value: call.request }, AuthRoleAddResponseSchema),
  ),
  "auth/role/get": unary(AuthRoleGetRequestSchema, AuthRoleGetResponseSchema, (call) =>
    query(call, { case: "roleGet", value: call.request }, "linearizable", AuthRoleGetResponseSchema),
  ),
  "auth/role/list": unary(AuthRoleListRequestSchema, AuthRoleListResponseSchema, (call) =>
    query(call, { case: "roleList", value: call.request }, "linearizable", AuthRoleListResponseSchema),
  ),
  "auth/role/delete": unary(AuthRoleDeleteRequestSchema, AuthRoleDeleteResponseSchema, (call) =>
    write(call, { case: "roleDelete", value: call.request }, AuthRoleDeleteResponseSchema),
  ),
  "auth/role/grant": unary(
    AuthRoleGrantPermissionRequestSchema,
    AuthRoleGrantPermissionResponseSchema,
    (call) =>
      write(
        call,
        { case: "roleGrantPermission", value: call.request },
        AuthRoleGrantPermissionResponseSchema,
      ),
  ),
  "auth/role/revoke": unary(
    AuthRoleRevokePermissionRequestSchema,
    AuthRoleRevokePermissionResponseSchema,
    (call) =>
      write(
        call,
        { case: "roleRevokePermission", value: call.request },
        AuthRoleRevokePermissionResponseSchema,
      ),
  ),
};

/** Only the hash of a password leaves the gateway, and only one that was made here. */
async function addUser(call: V3Call<AuthUserAddRequest>): Promise<V3Outcome<AuthUserAddResponse>> {
  const { name, password, options } = call.request;
  const hashedPassword = options?.noPassword === true ? "" : await call.services.passwords.hash(password);
  if (hashedPassword === null) return refusedFor("tooManyRequests");
  const value = create(AuthUserAddRequestSchema, {
    name,
    hashedPassword,
    ...(options === undefined ? {} : { options }),
  });
  return write(call, { case: "userAdd", value }, AuthUserAddResponseSchema);
}

async function changePassword(
  call: V3Call<AuthUserChangePasswordRequest>,
): Promise<V3Outcome<AuthUserChangePasswordResponse>> {
  const { name, password } = call.request;
  const hashedPassword = await call.services.passwords.hash(password);
  if (hashedPassword === null) return refusedFor("tooManyRequests");
  const value = create(AuthUserChangePasswordRequestSchema, { name, hashedPassword });
  return write(call, { case: "userChangePassword", value }, AuthUserChangePasswordResponseSchema);
}

/** The password may be changed while it is checked: the log says so, and it is checked once more. */
async function authenticate(call: V3Call<AuthenticateRequest>): Promise<V3Outcome<AuthenticateResponse>> {
  const outcome = await signIn(call);
  const isOvertaken = outcome.kind === "refused" && outcome.message === ERRORS.authFailed.message;
  return isOvertaken && outcome.origin !== null && outcome.wasChecked === true ? signIn(call) : outcome;
}

type SignIn = V3Outcome<AuthenticateResponse> & { readonly wasChecked?: boolean };

async function signIn(call: V3Call<AuthenticateRequest>): Promise<SignIn> {
  const { services, request } = call;
  const { name, password } = request;
  // Whoever signs in is nobody yet. As in etcd, a token that is sent along must be good all the same.
  const stored = await storedHash({ ...call, choice: { ...call.choice, token: null } });
  if (stored.kind === "refused") return stored;
  const matches = await services.passwords.matches(password, stored.hash);
  if (matches === null) return refusedFor("tooManyRequests");
  if (!matches || stored.hash === null) return refusedFor("authFailed");
  const token = mintToken(services.entropy, stored.serial);
  const value = create(TokenGrantSchema, {
    user: name,
    passwordHash: stored.hash,
    token: await tokenDigest(token),
    expiresAtMs: BigInt(services.clock.nowMs() + LIMITS.tokenTtlMs),
  });
  // A remembered answer would be to another token.
  const operationId = freshOperationIds(services.entropy);
  const outcome = await write(
    { ...call, operationId, mayRepeat: false },
    { case: "authenticate", value },
    AuthenticateResponseSchema,
  );
  if (outcome.kind === "refused") return { ...outcome, wasChecked: true };
  outcome.message.token = token;
  return outcome;
}

type Stored = { readonly kind: "stored"; readonly hash: string | null; readonly serial: number } | V3Refusal;

/** Null for a user that does not exist: that must take as long to say as a wrong password. */
async function storedHash({
  request,
  services,
  choice,
  hasDeadline,
}: V3Call<AuthenticateRequest>): Promise<Stored> {
  const asked: Query["request"] = {
    case: "password",
    value: { $typeName: "edged.PasswordQuery", user: request.name },
  };
  const outcome = await services.router.query(choice, {
    request: toBinary(QuerySchema, create(QuerySchema, { request: asked })),
    consistency: "linearizable",
    minRevision: 0,
  });
  switch (outcome.kind) {
    case "answer": {
      const { passwordHash } = fromBinary(PasswordAnswerSchema, outcome.response);
      return { kind: "stored", hash: passwordHash, serial: outcome.header.sequence };
    }
    case "rejected":
      return outcome.error === "authFailed"
        ? { kind: "stored", hash: null, serial: 0 }
        : rejectedRequest(outcome);
    case "failed":
      return unansweredRequest(outcome, hasDeadline);
  }
}
