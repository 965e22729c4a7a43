/** Alarms raised and ended by clients; the leader's own quota raises them too. */
import { create, fromBinary } from "@bufbuild/protobuf";
import { initialMemberId } from "../../../../src/engine/identity.ts";
import type { CommandRequest } from "../../../../src/gateway/commands.ts";
import {
  AlarmRequest_AlarmAction,
  AlarmRequestSchema,
  AlarmResponseSchema,
  AlarmType,
} from "../../../../src/wire/gen/etcd/rpc_pb.ts";
import type { WriteKind } from "./operation-kind.ts";

const { ACTIVATE, DEACTIVATE } = AlarmRequest_AlarmAction;

export const ALARM: WriteKind = {
  name: "alarm",
  weight: 1.5,
  requestCase: "alarm",
  draw({ random }) {
    const alarm = random.chance(0.8) ? AlarmType.NOSPACE : AlarmType.CORRUPT;
    const action = random.chance(0.15) ? ACTIVATE : DEACTIVATE;
    const memberID = BigInt(`0x${initialMemberId("default", `r${1 + random.below(3)}`)}`);
    return {
      kind: "write",
      request: { case: "alarm", value: create(AlarmRequestSchema, { action, alarm, memberID }) },
    };
  },
  execute(store, request) {
    if (request.case !== "alarm") throw new Error("not an alarm");
    const { action, alarm, memberID } = request.value;
    const name = `${memberID}/${alarm}`;
    const isOn = store.alarms.includes(name);
    if (action === ACTIVATE) {
      if (!isOn) store.alarms = [...store.alarms, name];
      return { kind: "applied", answer: [name] };
    }
    store.alarms = store.alarms.filter((other) => other !== name);
    return { kind: "applied", answer: isOn ? [name] : [] };
  },
  decode(response) {
    const { alarms } = fromBinary(AlarmResponseSchema, response);
    return alarms.map(({ memberID, alarm }) => `${memberID}/${alarm}`);
  },
};

/** Which error the alarms that are on refuse a request with, or null. */
export function refusedByAlarm(alarms: readonly string[], request: CommandRequest): string | null {
  const isOn = (kind: AlarmType): boolean => alarms.some((name) => name.endsWith(`/${kind}`));
  const changes = ["put", "deleteRange", "txn", "compaction", "leaseGrant", "leaseRevoke"].includes(
    request.case,
  );
  if (isOn(AlarmType.CORRUPT) && changes) return "corrupt";
  if (!isOn(AlarmType.NOSPACE)) return null;
  const puts =
    request.case === "txn" &&
    [...request.value.success, ...request.value.failure].some((op) => op.request.case === "requestPut");
  return puts || request.case === "put" || request.case === "leaseGrant" ? "noSpace" : null;
}
