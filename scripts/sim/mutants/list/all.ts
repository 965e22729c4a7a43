/** Every known bug that is put back. */
import type { Mutant } from "../mutant.ts";
import { ELECTION_MUTANTS } from "./elections.ts";
import { GATHERING_MUTANTS } from "./gathering.ts";
import { LEASE_MUTANTS } from "./leases.ts";
import { MEMBERSHIP_MUTANTS } from "./membership.ts";
import { OPERATION_MUTANTS } from "./operations.ts";
import { PLATFORM_MUTANTS } from "./platform.ts";
import { READ_MUTANTS } from "./reads.ts";
import { REPLICATION_MUTANTS } from "./replication.ts";
import { RESTORE_MUTANTS } from "./restores.ts";
import { SLEEP_MUTANTS } from "./sleep.ts";
import { STORAGE_MUTANTS } from "./storage.ts";
import { USER_MUTANTS } from "./users.ts";
import { WATCH_MUTANTS } from "./watches.ts";

export const MUTANTS: readonly Mutant[] = [
  ...ELECTION_MUTANTS,
  ...SLEEP_MUTANTS,
  ...REPLICATION_MUTANTS,
  ...READ_MUTANTS,
  ...OPERATION_MUTANTS,
  ...GATHERING_MUTANTS,
  ...STORAGE_MUTANTS,
  ...PLATFORM_MUTANTS,
  ...MEMBERSHIP_MUTANTS,
  ...LEASE_MUTANTS,
  ...USER_MUTANTS,
  ...WATCH_MUTANTS,
  ...RESTORE_MUTANTS,
];
