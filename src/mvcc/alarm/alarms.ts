import { create } from "@bufbuild/protobuf";
import { concatBytes, EMPTY_BYTES } from "../../base/bytes.ts";
import { LIMITS } from "../../base/limits.ts";
import { err, ok, type Result } from "../../base/result.ts";
import type { ErrorKey } from "../../wire/errors.ts";
import type { Command } from "../../wire/gen/edged_pb.ts";
import {
  type AlarmMember,
  AlarmMemberSchema,
  type AlarmRequest,
  AlarmRequest_AlarmAction,
  type AlarmResponse,
  AlarmResponseSchema,
  AlarmType,
} from "../../wire/gen/etcd/rpc_pb.ts";
import { SYSTEM_PREFIX, systemKey } from "../system-keys.ts";
import type { SystemTable } from "../system-table.ts";
import { hasPut } from "./has-put.ts";

const NAME_BYTES = 12;

/**
 * The alarms of the group: records, each of a member and a kind. While there is one of kind NOSPACE
 * nothing may grow, while there is one of kind CORRUPT nothing may change; since the records are part of
 * the state, every replica refuses the same commands.
 */
export class Alarms {
  readonly #system: SystemTable;
  /** The records, once they were read: every command asks for them. */
  #known: readonly AlarmMember[] | null = null;

  constructor(system: SystemTable) {
    this.#system = system;
  }

  /** Those of a kind; of all kinds for NONE. */
  list(kind: AlarmType = AlarmType.NONE): readonly AlarmMember[] {
    const alarms = this.#alarms();
    return kind === AlarmType.NONE ? alarms : alarms.filter(({ alarm }) => alarm === kind);
  }

  /** Carries out a request. Its answer lists what it raised or ended, as etcd's does. */
  execute(request: AlarmRequest): Result<AlarmResponse, ErrorKey> {
    const { memberID, alarm } = request;
    const named = this.#alarms().filter((known) => known.memberID === memberID && known.alarm === alarm);
    switch (request.action) {
      case AlarmRequest_AlarmAction.GET:
        return ok(create(AlarmResponseSchema, { alarms: [...this.list(alarm)] }));
      case AlarmRequest_AlarmAction.ACTIVATE: {
        if (named.length > 0) return ok(create(AlarmResponseSchema, { alarms: named }));
        if (this.#alarms().length >= LIMITS.alarmsMax) return err("tooManyRequests");
        this.#system.put(recordKey(alarm, memberID), EMPTY_BYTES);
        this.#known = null;
        return ok(create(AlarmResponseSchema, { alarms: [create(AlarmMemberSchema, { memberID, alarm })] }));
      }
      case AlarmRequest_AlarmAction.DEACTIVATE:
        if (named.length > 0) this.#system.delete(recordKey(alarm, memberID));
        this.#known = null;
        return ok(create(AlarmResponseSchema, { alarms: named }));
      default:
        return ok(create(AlarmResponseSchema));
    }
  }

  /** Why a command is refused while the alarms are as they are, or null. */
  refusal({ request }: Command): ErrorKey | null {
    if (this.#alarms().length === 0) return null;
    const isCorrupt = this.list(AlarmType.CORRUPT).length > 0;
    const isFull = this.list(AlarmType.NOSPACE).length > 0;
    switch (request.case) {
      case "put":
      case "leaseGrant":
        return isCorrupt ? "corrupt" : isFull ? "noSpace" : null;
      case "txn":
        return isCorrupt ? "corrupt" : isFull && hasPut(request.value) ? "noSpace" : null;
      case "deleteRange":
      case "compaction":
      case "leaseRevoke":
        return isCorrupt ? "corrupt" : null;
      default:
        return null;
    }
  }

  #alarms(): readonly AlarmMember[] {
    const { alarm } = SYSTEM_PREFIX;
    this.#known ??= this.#system
      .page(alarm, concatBytes([alarm, AFTER_ALL]), LIMITS.alarmsMax)
      .map(({ key }) => parseName(key.subarray(alarm.length)));
    return this.#known;
  }
}

/** Above every name: kinds are numbers of etcd's, far below this. */
const AFTER_ALL = new Uint8Array(NAME_BYTES + 1).fill(0xff);

function recordKey(kind: AlarmType, memberID: bigint): Uint8Array {
  const name = new DataView(new ArrayBuffer(NAME_BYTES));
  name.setInt32(0, kind);
  name.setBigUint64(4, memberID);
  return systemKey(SYSTEM_PREFIX.alarm, new Uint8Array(name.buffer));
}

function parseName(bytes: Uint8Array): AlarmMember {
  const name = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  // A number without a name is an alarm too, as in etcd.
  const alarm = name.getInt32(0) as AlarmType;
  return create(AlarmMemberSchema, { alarm, memberID: name.getBigUint64(4) });
}
