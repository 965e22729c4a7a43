import type { Result } from "../base/result.ts";
import type { ErrorKey } from "../wire/errors.ts";

/** An encoded etcd response of the query's kind, without header. */
export type QueryResult = Result<Uint8Array, ErrorKey>;
