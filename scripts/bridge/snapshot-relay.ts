/** Snapshots as etcd's tools want them: the gateway's backup, made into a database of etcd on the way. */
import { create } from "@bufbuild/protobuf";
import { Code, ConnectError, type HandlerContext } from "@connectrpc/connect";
import {
  Maintenance,
  type SnapshotRequest,
  type SnapshotResponse,
  SnapshotResponseSchema,
} from "../../src/wire/gen/etcd/rpc_pb.ts";
import { BackupError } from "../bbolt/backup-file.ts";
import { streamEtcdSnapshot } from "../bbolt/snapshot-stream.ts";
import type { StreamCalls } from "./stream-calls.ts";
import { relayStream } from "./stream-relay.ts";

export async function* relaySnapshot(
  streams: StreamCalls,
  request: SnapshotRequest,
  context: HandlerContext,
): AsyncGenerator<SnapshotResponse, void> {
  let header: Pick<SnapshotResponse, "header"> = {};
  async function* blobs(): AsyncGenerator<Uint8Array, void> {
    for await (const answer of relayStream(streams, Maintenance.method.snapshot, request, context)) {
      if (answer.header !== undefined) header = { header: answer.header };
      yield answer.blob;
    }
  }
  try {
    for await (const { blob, remainingBytes } of streamEtcdSnapshot(blobs())) {
      yield create(SnapshotResponseSchema, { ...header, blob, remainingBytes: BigInt(remainingBytes) });
    }
  } catch (error) {
    if (!(error instanceof BackupError)) throw error;
    throw new ConnectError(`the backup broke off: ${error.message}`, Code.DataLoss);
  }
}
