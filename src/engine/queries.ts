/** Reads of what is not a key: leases, users, members, alarms. Answered out of this replica's rows. */
import { fromBinary } from "@bufbuild/protobuf";
import { err } from "../base/result.ts";
import { type Query, QuerySchema } from "../wire/gen/edged_pb.ts";
import { answerAuthQuery } from "./auth-queries.ts";
import type { BackupSource } from "./backup-source.ts";
import type { EngineContext } from "./engine-context.ts";
import { answerAlarms, answerBackup, answerHashSlice, answerStatus } from "./maintenance-queries.ts";
import { answerMembers } from "./member-queries.ts";
import type { QueryResult } from "./query-result.ts";

/** The query, or null if the bytes are none. */
export function decodeQuery(request: Uint8Array): Query | null {
  try {
    return fromBinary(QuerySchema, request);
  } catch {
    return null;
  }
}

/** Answers one query at the moment its caller may see. Runs outside of turns. */
export function answerQuery(query: Query, context: EngineContext, backups: BackupSource): QueryResult {
  switch (query.request.case) {
    case "alarmList":
      return answerAlarms(query.request.value, context);
    case "status":
      return answerStatus(context);
    case "backup":
      return answerBackup(query.request.value, backups);
    case "hashSlice":
      return answerHashSlice(query.request.value, context);
    case "memberList":
      return answerMembers(context);
    case "authStatus":
    case "userGet":
    case "userList":
    case "roleGet":
    case "roleList":
    case "password":
      return answerAuthQuery(query.request, context.machine.auth.records);
    default:
      return err("invalidCommand");
  }
}
