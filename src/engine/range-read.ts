/** Clients' reads of keys, from their bytes to their answers. */
import { fromBinary } from "@bufbuild/protobuf";
import { EMPTY_BYTES } from "../base/bytes.ts";
import type { Need } from "../mvcc/auth/need.ts";
import { needsOfRange } from "../mvcc/auth/visitor.ts";
import { RangeRequestSchema } from "../wire/gen/etcd/rpc_pb.ts";
import { readPlainRequest } from "../wire/plain-range.ts";
import type { MachineHost } from "./machine-host.ts";
import type { RangeCall, RangeReply, ReplicaHeader } from "./replica-api.ts";
import { rangeReply } from "./replies.ts";

/** A read that was understood. */
export interface RangeRead {
  /** What it needs, to be judged when it is answered. */
  needs(): Iterable<Need>;
  /** Reads the store as it stands. */
  answer(machine: MachineHost, header: ReplicaHeader): RangeReply;
}

/** Throws on a request that is none. Most ask for one key and nothing else, and are understood without a decoder. */
export function rangeRead(call: RangeCall): RangeRead {
  const key = readPlainRequest(call.request);
  if (key !== null && key.length > 0) {
    return {
      needs: () => needsOfRange({ key, rangeEnd: EMPTY_BYTES }),
      answer: (machine, header) => ({ kind: "range", header, response: machine.get(key) }),
    };
  }
  const request = fromBinary(RangeRequestSchema, call.request);
  return {
    needs: () => needsOfRange(request),
    answer: (machine, header) => rangeReply(machine.range(request, call), header),
  };
}
