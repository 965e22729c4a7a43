/** Which of the group's records belong to the data, and so into a backup; the others are the group's own. */
import { SYSTEM_PREFIX } from "../system-keys.ts";

/** Members, alarms and tokens are of the cluster that the backup was made of. */
export const RESTORED_PREFIXES: readonly Uint8Array[] = [
  SYSTEM_PREFIX.lease,
  SYSTEM_PREFIX.attached,
  SYSTEM_PREFIX.leases,
  SYSTEM_PREFIX.auth,
  SYSTEM_PREFIX.user,
  SYSTEM_PREFIX.role,
];

export function isRestored(key: Uint8Array): boolean {
  return RESTORED_PREFIXES.some((prefix) => hasPrefix(key, prefix));
}

export function hasPrefix(key: Uint8Array, prefix: Uint8Array): boolean {
  return key.length >= prefix.length && prefix.every((byte, i) => key[i] === byte);
}
