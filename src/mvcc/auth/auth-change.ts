import type { AuthRecords } from "./auth-records.ts";
import type { TokenTable } from "./token-table.ts";

/** What a command that changes users, roles or tokens works on. */
export interface AuthChange {
  readonly records: AuthRecords;
  readonly tokens: TokenTable;
  /** Users or roles were changed: whatever was asked by what they were before is refused as old. */
  commit(): void;
}
