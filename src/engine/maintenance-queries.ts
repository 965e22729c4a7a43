/** Questions of the maintenance service that one replica answers out of its own rows. */
import { create, toBinary } from "@bufbuild/protobuf";
import { ok } from "../base/result.ts";
import { isVoter } from "../raft/configuration.ts";
import { ERRORS } from "../wire/errors.ts";
import { type BackupRead, BackupSliceSchema, type HashSlice, HashSliceSchema } from "../wire/gen/edged_pb.ts";
import {
  type AlarmMember,
  type AlarmRequest,
  AlarmResponseSchema,
  AlarmType,
  StatusResponseSchema,
} from "../wire/gen/etcd/rpc_pb.ts";
import type { BackupSource } from "./backup-source.ts";
import type { EngineContext } from "./engine-context.ts";
import type { QueryResult } from "./query-result.ts";

export function answerAlarms({ alarm }: AlarmRequest, { machine }: EngineContext): QueryResult {
  return ok(
    toBinary(AlarmResponseSchema, create(AlarmResponseSchema, { alarms: [...machine.alarms.list(alarm)] })),
  );
}

/** How this replica stands. The version is the gateway's to add. */
export function answerStatus({ raft, machine, storage }: EngineContext): QueryResult {
  const { core } = raft;
  const bytes = BigInt(storage.databaseBytes());
  const response = create(StatusResponseSchema, {
    // Free pages are not counted by the platform: all of the database is in use.
    dbSize: bytes,
    dbSizeInUse: bytes,
    leader: core.leader === null ? 0n : BigInt(`0x${core.leader}`),
    raftIndex: BigInt(core.log.commit),
    raftTerm: BigInt(core.term),
    raftAppliedIndex: BigInt(core.applied),
    errors: [
      ...(core.leader === null ? [ERRORS.noLeader.message] : []),
      ...machine.alarms.list().map(describeAlarm),
    ],
    isLearner: !isVoter(core.configurations.current, core.id),
  });
  return ok(toBinary(StatusResponseSchema, response));
}

export function answerHashSlice(slice: HashSlice, { machine }: EngineContext): QueryResult {
  const result = machine.hashSlice(slice);
  return result.ok ? ok(toBinary(HashSliceSchema, result.value)) : result;
}

export function answerBackup(read: BackupRead, backups: BackupSource): QueryResult {
  const result = backups.read(read);
  return result.ok ? ok(toBinary(BackupSliceSchema, result.value)) : result;
}

/** As Go prints the message: fields that are set, each with a space behind it. */
function describeAlarm({ memberID, alarm }: AlarmMember): string {
  const member = memberID === 0n ? "" : `memberID:${memberID} `;
  return alarm === AlarmType.NONE ? member : `${member}alarm:${alarmName(alarm)} `;
}

/** etcd's name of a kind of alarm; the number where it has none. */
export function alarmName(alarm: AlarmType): string {
  switch (alarm) {
    case AlarmType.NONE:
      return "NONE";
    case AlarmType.NOSPACE:
      return "NOSPACE";
    case AlarmType.CORRUPT:
      return "CORRUPT";
    default:
      return String(alarm);
  }
}
