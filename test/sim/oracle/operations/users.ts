/** Users, roles and permissions as clients change them, and signing in; in runs with users only. */
import { create } from "@bufbuild/protobuf";
import type { Prng } from "../../../../src/base/prng.ts";
import type { CommandRequest } from "../../../../src/gateway/commands.ts";
import { Permission_Type } from "../../../../src/wire/gen/etcd/auth_pb.ts";
import {
  AuthDisableRequestSchema,
  AuthEnableRequestSchema,
  AuthRoleAddRequestSchema,
  AuthRoleDeleteRequestSchema,
  AuthRoleGrantPermissionRequestSchema,
  AuthRoleRevokePermissionRequestSchema,
  AuthUserAddRequestSchema,
  AuthUserChangePasswordRequestSchema,
  AuthUserDeleteRequestSchema,
  AuthUserGrantRoleRequestSchema,
  AuthUserRevokeRoleRequestSchema,
} from "../../../../src/wire/gen/etcd/rpc_pb.ts";
import { utf8 } from "../../../../src/wire/text.ts";
import { HASHES, tokenGrant } from "../../auth/sign-in.ts";
import { ALL_KEYS, type DrawContext, drawKey, type WriteKind } from "./operation-kind.ts";

/** Whoever may do everything, and two who may do what their roles say. */
export const USERS = ["root", "u1", "u2"] as const;
const ROLES = ["root", "r1", "r2"] as const;
const KINDS = [Permission_Type.READ, Permission_Type.WRITE, Permission_Type.READWRITE] as const;

/** Where the keys of a run are parted, so that permissions adjoin and overlap. */
const EDGES = ["k", "k1", "k3", "l"].map(utf8);

function spanOf(context: DrawContext): { readonly key: Uint8Array; readonly rangeEnd: Uint8Array } {
  const { random } = context;
  if (random.chance(0.3)) return ALL_KEYS;
  if (random.chance(0.4)) return { key: drawKey(context), rangeEnd: new Uint8Array() };
  const from = random.below(EDGES.length - 1);
  const to = from + 1 + random.below(EDGES.length - 1 - from);
  return { key: EDGES[from] ?? utf8("k"), rangeEnd: EDGES[to] ?? utf8("l") };
}

function kind(
  name: string,
  requestCase: CommandRequest["case"],
  weight: number,
  request: (random: Prng, context: DrawContext) => CommandRequest,
): WriteKind {
  return {
    name,
    weight,
    requestCase,
    draw: (context) => ({ kind: "write", request: request(context.random, context) }),
    execute(store, given) {
      const { users, error } = store.users.after(given);
      store.users = users;
      return error === null ? { kind: "applied", answer: {} } : { kind: "rejected", error };
    },
    decode: () => ({}),
  };
}

/** A client signs in as its user, with a password that may be another by now. */
export const SIGN_IN: WriteKind = kind("sign in", "authenticate", 1, (random, { number, user }) =>
  tokenGrant({ user, passwordHash: random.pick(HASHES), token: `t${number}` }),
);

export const USER_KINDS: readonly WriteKind[] = [
  SIGN_IN,
  kind("add user", "userAdd", 1, (random) => ({
    case: "userAdd",
    value: create(AuthUserAddRequestSchema, {
      name: random.pick(USERS),
      hashedPassword: random.pick(HASHES),
    }),
  })),
  kind("add role", "roleAdd", 1, (random) => ({
    case: "roleAdd",
    value: create(AuthRoleAddRequestSchema, { name: random.pick(ROLES) }),
  })),
  kind("grant role", "userGrantRole", 1.5, (random) => {
    const user = random.pick(USERS);
    const role = user === "root" ? "root" : random.pick(ROLES.slice(1));
    return { case: "userGrantRole", value: create(AuthUserGrantRoleRequestSchema, { user, role }) };
  }),
  kind("change password", "userChangePassword", 0.6, (random) => ({
    case: "userChangePassword",
    value: create(AuthUserChangePasswordRequestSchema, {
      name: random.pick(USERS),
      hashedPassword: random.pick(HASHES),
    }),
  })),
  kind("permit", "roleGrantPermission", 2, (random, context) => ({
    case: "roleGrantPermission",
    value: create(AuthRoleGrantPermissionRequestSchema, {
      name: random.pick(ROLES.slice(1)),
      perm: { permType: random.pick(KINDS), ...spanOf(context) },
    }),
  })),
  kind("forbid", "roleRevokePermission", 1.5, (random, context) => ({
    case: "roleRevokePermission",
    value: create(AuthRoleRevokePermissionRequestSchema, {
      role: random.pick(ROLES.slice(1)),
      ...spanOf(context),
    }),
  })),
  kind("take role", "userRevokeRole", 0.5, (random) => ({
    case: "userRevokeRole",
    value: create(AuthUserRevokeRoleRequestSchema, {
      name: random.pick(USERS.slice(1)),
      role: random.pick(ROLES.slice(1)),
    }),
  })),
  kind("delete user", "userDelete", 0.2, (random) => ({
    case: "userDelete",
    value: create(AuthUserDeleteRequestSchema, { name: random.pick(USERS.slice(1)) }),
  })),
  kind("delete role", "roleDelete", 0.2, (random) => ({
    case: "roleDelete",
    value: create(AuthRoleDeleteRequestSchema, { role: random.pick(ROLES.slice(1)) }),
  })),
  kind("ask for users", "authEnable", 1.5, () => ({
    case: "authEnable",
    value: create(AuthEnableRequestSchema),
  })),
  kind("ask nobody", "authDisable", 0.4, () => ({
    case: "authDisable",
    value: create(AuthDisableRequestSchema),
  })),
];

/** How a run with users begins, step by step, so that there is something to be asked for. */
export const FIRST_STEPS: readonly CommandRequest[] = [
  ...USERS.map((name) => addUser(name)),
  ...ROLES.slice(1).map((name) => addRole(name)),
  grant("root", "root"),
  grant("u1", "r1"),
  grant("u2", "r2"),
  permit("r1", Permission_Type.READWRITE, ALL_KEYS),
  permit("r2", Permission_Type.READ, { key: utf8("k"), rangeEnd: utf8("k2") }),
  permit("r2", Permission_Type.READWRITE, { key: utf8("k1"), rangeEnd: utf8("l") }),
  { case: "authEnable", value: create(AuthEnableRequestSchema) },
];

/** The kind of a step. */
export function kindOf(step: CommandRequest): WriteKind {
  const found = USER_KINDS.find(({ requestCase }) => requestCase === step.case);
  if (found === undefined) throw new Error(`${step.case} is not about users`);
  return found;
}

function addUser(name: string): CommandRequest {
  return { case: "userAdd", value: create(AuthUserAddRequestSchema, { name, hashedPassword: HASHES[0] }) };
}

function addRole(name: string): CommandRequest {
  return { case: "roleAdd", value: create(AuthRoleAddRequestSchema, { name }) };
}

function grant(user: string, role: string): CommandRequest {
  return { case: "userGrantRole", value: create(AuthUserGrantRoleRequestSchema, { user, role }) };
}

function permit(
  name: string,
  permType: Permission_Type,
  span: { readonly key: Uint8Array; readonly rangeEnd: Uint8Array },
): CommandRequest {
  const value = create(AuthRoleGrantPermissionRequestSchema, { name, perm: { permType, ...span } });
  return { case: "roleGrantPermission", value };
}
