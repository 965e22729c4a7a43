/**
 * Keys of the group's records (system-table.ts): a kind's prefix, then what names the record. Prefixes
 * end in "/" and none begins with another; names are bytes, ids 8 bytes big-endian.
 *
 *   lease/<id>            edged.LeaseRecord
 *   attached/<id><key>    no bytes: the lease of the key's live version is <id>
 *   leases/               how many leases there are, 8 bytes big-endian
 *   alarm/<kind><member>  no bytes; the kind is etcd's number, 4 bytes big-endian
 *   member/<id>           edged.MemberRecord
 *   membership/           edged.MembershipRecord
 *   auth/                 edged.AuthRecord
 *   user/<name>           authpb.User
 *   role/<name>           authpb.Role
 *   token/<token>         edged.TokenRecord
 *   restore/              edged.RestoreRecord; with a name, a record that waits for the end of a restore
 */
import { concatBytes } from "../base/bytes.ts";
import { utf8 } from "../wire/text.ts";

export const SYSTEM_PREFIX = {
  lease: utf8("lease/"),
  attached: utf8("attached/"),
  leases: utf8("leases/"),
  alarm: utf8("alarm/"),
  member: utf8("member/"),
  membership: utf8("membership/"),
  auth: utf8("auth/"),
  user: utf8("user/"),
  role: utf8("role/"),
  token: utf8("token/"),
  restore: utf8("restore/"),
} as const;

/** The record of `prefix` that `name` names. */
export function systemKey(prefix: Uint8Array, ...name: readonly Uint8Array[]): Uint8Array {
  return concatBytes([prefix, ...name]);
}
