/**
 * The two calls that nearly all requests are made of, as they cross between objects: arguments and
 * answer are flat lists, since each object in them costs the platform time to write and to read, on
 * both sides. What is optional is always there, as null or as what leaving it out means.
 */
import { assertNever } from "../base/assert.ts";
import type {
  MemberPlace,
  ProposeReply,
  ProposeRequest,
  RangeCall,
  RangeReply,
  Rejected,
  ReplicaHeader,
  ReplicaTarget,
  Unavailable,
} from "../engine/replica-api.ts";

type FlatTarget = readonly [cluster: string, member: string, id: string | null];

export type FlatPropose = readonly [
  ...FlatTarget,
  command: Uint8Array,
  mayForward: boolean,
  timeoutMs: number,
  throughLog: boolean,
  token: string | null,
];

export type FlatRange = readonly [
  ...FlatTarget,
  request: Uint8Array,
  consistency: RangeCall["consistency"],
  minRevision: number,
  timeoutMs: number,
  maxStalenessMs: number | null,
  counted: boolean,
  paged: boolean,
  token: string | null,
];

type FlatHeader = readonly [
  clusterId: string,
  memberId: string,
  member: string,
  revision: number,
  term: number,
  leader: string | null,
  sequence: number,
  membership: number,
  successors: readonly MemberPlace[] | null,
];

type FlatRefusal =
  | readonly ["rejected", ...FlatHeader, error: string]
  | readonly [
      "unavailable",
      ...FlatHeader,
      reason: Unavailable["reason"],
      message: string,
      unknownOutcome: boolean,
    ]
  /** Unavailable, and without a header. */
  | readonly ["silent", reason: Unavailable["reason"], message: string, unknownOutcome: boolean];

export type FlatProposeReply =
  | readonly ["applied", ...FlatHeader, index: number, response: Uint8Array, complete: boolean]
  | FlatRefusal;

export type FlatRangeReply =
  | readonly ["range", ...FlatHeader, response: Uint8Array, next: Uint8Array | null]
  | FlatRefusal;

/** Whom a flat call is meant for. */
export function targetOfFlat([cluster, member, id]: FlatPropose | FlatRange): ReplicaTarget {
  return id === null ? { cluster, member } : { cluster, member, id };
}

export function packPropose(target: ReplicaTarget, request: ProposeRequest): FlatPropose {
  return [
    target.cluster,
    target.member,
    target.id ?? null,
    request.command,
    request.mayForward,
    request.timeoutMs,
    request.throughLog ?? false,
    request.token ?? null,
  ];
}

export function unpackPropose(flat: FlatPropose): ProposeRequest {
  return {
    command: flat[3],
    mayForward: flat[4],
    timeoutMs: flat[5],
    throughLog: flat[6],
    token: flat[7],
  };
}

export function packRange(target: ReplicaTarget, call: RangeCall): FlatRange {
  return [
    target.cluster,
    target.member,
    target.id ?? null,
    call.request,
    call.consistency,
    call.minRevision,
    call.timeoutMs,
    call.maxStalenessMs ?? null,
    call.counted ?? true,
    call.paged ?? false,
    call.token ?? null,
  ];
}

export function unpackRange(flat: FlatRange): RangeCall {
  const maxStalenessMs = flat[7];
  const call = {
    request: flat[3],
    consistency: flat[4],
    minRevision: flat[5],
    timeoutMs: flat[6],
    counted: flat[8],
    paged: flat[9],
    token: flat[10],
  };
  return maxStalenessMs === null ? call : { ...call, maxStalenessMs };
}

export function packProposeReply(reply: ProposeReply): FlatProposeReply {
  if (reply.kind !== "applied") return packRefusal(reply);
  return ["applied", ...packHeader(reply.header), reply.index, reply.response, reply.complete];
}

export function unpackProposeReply(flat: FlatProposeReply): ProposeReply {
  if (flat[0] !== "applied") return unpackRefusal(flat);
  return {
    kind: "applied",
    header: unpackHeader(flat),
    index: flat[10],
    response: flat[11],
    complete: flat[12],
  };
}

export function packRangeReply(reply: RangeReply): FlatRangeReply {
  if (reply.kind !== "range") return packRefusal(reply);
  return ["range", ...packHeader(reply.header), reply.response, reply.next ?? null];
}

export function unpackRangeReply(flat: FlatRangeReply): RangeReply {
  if (flat[0] !== "range") return unpackRefusal(flat);
  const next = flat[11];
  const reply = { kind: "range", header: unpackHeader(flat), response: flat[10] } as const;
  return next === null ? reply : { ...reply, next };
}

function packRefusal(reply: Rejected | Unavailable): FlatRefusal {
  if (reply.kind === "rejected") return ["rejected", ...packHeader(reply.header), reply.error];
  const { header, reason, message, unknownOutcome } = reply;
  if (header === null) return ["silent", reason, message, unknownOutcome];
  return ["unavailable", ...packHeader(header), reason, message, unknownOutcome];
}

/** Throws on what is no answer. A replica that knows no flat calls has no method of that name. */
function unpackRefusal(flat: FlatRefusal): Rejected | Unavailable {
  switch (flat[0]) {
    case "rejected":
      return { kind: "rejected", error: flat[10], header: unpackHeader(flat) };
    case "unavailable":
      return {
        kind: "unavailable",
        reason: flat[10],
        message: flat[11],
        unknownOutcome: flat[12],
        header: unpackHeader(flat),
      };
    case "silent":
      return {
        kind: "unavailable",
        reason: flat[1],
        message: flat[2],
        unknownOutcome: flat[3],
        header: null,
      };
    default:
      return assertNever(flat, "a flat answer");
  }
}

function packHeader(header: ReplicaHeader): FlatHeader {
  return [
    header.clusterId,
    header.memberId,
    header.member,
    header.revision,
    header.term,
    header.leader,
    header.sequence,
    header.membership,
    header.successors ?? null,
  ];
}

function unpackHeader(flat: readonly [string, ...FlatHeader, ...unknown[]]): ReplicaHeader {
  const successors = flat[9];
  const header = {
    clusterId: flat[1],
    memberId: flat[2],
    member: flat[3],
    revision: flat[4],
    term: flat[5],
    leader: flat[6],
    sequence: flat[7],
    membership: flat[8],
  };
  return successors === null ? header : { ...header, successors };
}
