/** The Maintenance service's Snapshot: a backup as a stream of blobs, the checksum in the last one. */
import { create } from "@bufbuild/protobuf";
import type { Context } from "hono";
import { concatBytes } from "../../base/bytes.ts";
import type { ReplicaHeader } from "../../engine/replica-api.ts";
import { type BackupFrame, BackupFrameSchema, type BackupSlice } from "../../wire/gen/edged_pb.ts";
import {
  SnapshotRequestSchema,
  type SnapshotResponse,
  SnapshotResponseSchema,
} from "../../wire/gen/etcd/rpc_pb.ts";
import { originHeaders } from "../answers.ts";
import { BackupFile } from "../backup/backup-file.ts";
import { BackupReader } from "../backup/backup-reader.ts";
import type { GatewayEnv, Services } from "../services.ts";
import type { V3Call, V3Outcome } from "./call.ts";
import { printBody } from "./json-printer.ts";
import type { StreamMethod } from "./method.ts";
import { openCall } from "./open-call.ts";
import {
  answerRefusal,
  answerStreamRefusal,
  inAuthWords,
  refusedFor,
  rejectedRequest,
  streamError,
  unansweredRequest,
  type V3Refusal,
} from "./refusal.ts";

/** Bytes of one message, as in etcd. */
const BLOB_BYTES = 32 * 1024;

type Outcome = V3Outcome<SnapshotResponse>;

export const SNAPSHOT: StreamMethod = {
  kind: "stream",
  handle,
  async *answers({ c, services, name, timeoutMs }) {
    const call = await openCall(c, services, name, create(SnapshotRequestSchema), timeoutMs);
    if (call.ok) yield* messages(call.value);
    else yield call.error;
  },
};

async function handle(c: Context<GatewayEnv>, services: Services, name: string): Promise<Response> {
  const call = await openCall(c, services, name, create(SnapshotRequestSchema), null);
  if (!call.ok) return answerRefusal(c, call.error);
  const outcomes = messages(call.value);
  const first = await outcomes.next();
  if (first.done === true) return answerRefusal(c, refusedFor("backupLost"));
  if (first.value.kind === "refused") return answerStreamRefusal(c, first.value);
  const encoder = new TextEncoder();
  let next: IteratorResult<Outcome, void> = first;
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      if (next.done === true) {
        controller.close();
        return;
      }
      controller.enqueue(encoder.encode(`${printLine(next.value)}\n`));
      next = next.value.kind === "refused" ? { done: true, value: undefined } : await outcomes.next();
    },
    async cancel() {
      await outcomes.return();
    },
  });
  return c.body(body, 200, {
    "Content-Type": "application/json",
    "Grpc-Metadata-Content-Type": "application/grpc",
    "Cache-Control": "no-store",
    ...originHeaders(first.value.origin),
  });
}

function printLine(outcome: Outcome): string {
  if (outcome.kind === "refused") return streamError(outcome);
  return `{"result":${String(printBody(SnapshotResponseSchema, outcome.message))}}`;
}

/** Ends with the checksum, or with a refusal: what has no checksum is no backup. */
async function* messages(call: V3Call<unknown>): AsyncGenerator<Outcome, void> {
  const reader = new BackupReader(call.services.router, call.choice);
  const file = new BackupFile();
  let waiting: Uint8Array = file.begin();
  for (let isFirst = true; ; isFirst = false) {
    const read = await reader.next();
    if (read.kind !== "slice") {
      yield read.kind === "rejected"
        ? inAuthWords(rejectedRequest(read))
        : unansweredRequest(read, call.hasDeadline);
      return;
    }
    const { slice, header } = read;
    const frames = framesOf(slice, isFirst ? call.choice.cluster : null).map((frame) => file.frame(frame));
    waiting = concatBytes([waiting, ...frames, ...(slice.done ? [file.end()] : [])]);
    const left = Number(slice.remainingBytes);
    while (waiting.length > BLOB_BYTES) {
      const rest = waiting.subarray(BLOB_BYTES);
      yield message(header, waiting.subarray(0, BLOB_BYTES), left + rest.length);
      waiting = rest;
    }
    if (!slice.done) continue;
    yield message(header, waiting, 0);
    yield message(header, file.checksum(), 0);
    return;
  }
}

/** The header has a frame of its own, so that whoever restores can look at it first. */
function framesOf({ header, versions, records }: BackupSlice, cluster: string | null): BackupFrame[] {
  const rows = create(BackupFrameSchema, { versions, records });
  const hasRows = versions.length + records.length > 0;
  if (header === undefined || cluster === null) return hasRows ? [rows] : [];
  const head = create(BackupFrameSchema, { header: { ...header, cluster } });
  return hasRows ? [head, rows] : [head];
}

function message(origin: ReplicaHeader, blob: Uint8Array, remaining: number): Exclude<Outcome, V3Refusal> {
  const answer = create(SnapshotResponseSchema, { blob, remainingBytes: BigInt(remaining) });
  return { kind: "answered", message: answer, origin };
}
