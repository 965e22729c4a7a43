import type { SqlValue } from "../../../src/base/sql.ts";

/** One statement that changed a database. */
export interface Write {
  readonly statement: string;
  readonly bindings: readonly SqlValue[];
}
