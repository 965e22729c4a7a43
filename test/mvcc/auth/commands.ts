/** Short forms of the commands on users, roles and tokens. */
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { type Command, CommandSchema } from "../../../src/wire/gen/edged_pb.ts";
import { Permission_Type } from "../../../src/wire/gen/etcd/auth_pb.ts";
import { bytes, type Store } from "../harness.ts";

type Init = Exclude<MessageInitShape<typeof CommandSchema>["request"], undefined>;

export function command(request: Init): Command {
  return create(CommandSchema, { request });
}

/** The command as a replica signs it for a user of the store as it stands. */
export function signed(store: Store, user: string, unsigned: Command): Command {
  const { revision } = store.machine.auth;
  return create(CommandSchema, { ...unsigned, user, authRevision: revision });
}

/** "ok", or the key of the refusal. */
export function told(store: Store, given: Command): string {
  const outcome = store.apply(given).outcomes[0];
  return outcome?.kind === "rejected" ? outcome.error : (outcome?.kind ?? "nothing");
}

export const addUser = (name: string, hashedPassword = `hash of ${name}`) =>
  command({ case: "userAdd", value: { name, hashedPassword } });
export const deleteUser = (name: string) => command({ case: "userDelete", value: { name } });
export const changePassword = (name: string, hashedPassword: string) =>
  command({ case: "userChangePassword", value: { name, hashedPassword } });
export const grantRole = (user: string, role: string) =>
  command({ case: "userGrantRole", value: { user, role } });
export const revokeRole = (name: string, role: string) =>
  command({ case: "userRevokeRole", value: { name, role } });
export const addRole = (name: string) => command({ case: "roleAdd", value: { name } });
export const deleteRole = (role: string) => command({ case: "roleDelete", value: { role } });
export const enable = () => command({ case: "authEnable", value: {} });
export const disable = () => command({ case: "authDisable", value: {} });

export function permit(
  name: string,
  kind: keyof typeof Permission_Type,
  key: string,
  rangeEnd = "",
): Command {
  const perm = { permType: Permission_Type[kind], key: bytes(key), rangeEnd: bytes(rangeEnd) };
  return command({ case: "roleGrantPermission", value: { name, perm } });
}

export const forbid = (role: string, key: string, rangeEnd = "") =>
  command({ case: "roleRevokePermission", value: { role, key: bytes(key), rangeEnd: bytes(rangeEnd) } });

export const signIn = (
  user: string,
  token: string,
  expiresAtMs = 1_000_000,
  passwordHash = `hash of ${user}`,
) =>
  command({ case: "authenticate", value: { user, passwordHash, token, expiresAtMs: BigInt(expiresAtMs) } });

/**
 * Users are asked for: "root", and "u" with [a, c), `readonly` to read, `writeonly` to write. Keys of
 * these names, and "z", exist.
 */
export function guard(store: Store): void {
  const commands = [
    addUser("root"),
    addRole("root"),
    grantRole("root", "root"),
    addUser("u"),
    addRole("r"),
    permit("r", "READWRITE", "a", "c"),
    permit("r", "READ", "readonly"),
    permit("r", "WRITE", "writeonly"),
    grantRole("u", "r"),
    ...["a", "z", "readonly", "writeonly"].map((key) =>
      command({ case: "put", value: { key: bytes(key), value: bytes("0") } }),
    ),
    enable(),
  ];
  store.apply(...commands);
}
