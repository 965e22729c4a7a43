import { Permission_Type, type User } from "../../wire/gen/etcd/auth_pb.ts";
import { type Interval, intervalOf } from "../interval.ts";
import type { AuthRecords } from "./auth-records.ts";
import { KeySet } from "./key-set.ts";

/** The role that may do everything, and the user that cannot be without it while auth is on. */
export const ROOT_NAME = "root";

/** Everything that a user may do, from all of its roles together. */
export interface Grants {
  readonly isRoot: boolean;
  readonly roles: ReadonlySet<string>;
  readonly read: KeySet;
  readonly write: KeySet;
}

/** What the roles of `user` come to. */
export function grantsOf(records: AuthRecords, user: User): Grants {
  const read: Interval[] = [];
  const write: Interval[] = [];
  for (const name of user.roles) {
    for (const { permType, key, rangeEnd } of records.roles.get(name)?.keyPermission ?? []) {
      const interval = intervalOf(key, rangeEnd);
      if (permType === Permission_Type.READ || permType === Permission_Type.READWRITE) read.push(interval);
      if (permType === Permission_Type.WRITE || permType === Permission_Type.READWRITE) write.push(interval);
    }
  }
  return {
    isRoot: user.roles.includes(ROOT_NAME),
    roles: new Set(user.roles),
    read: new KeySet(read),
    write: new KeySet(write),
  };
}
