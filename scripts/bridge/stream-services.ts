/** The streams of etcd's services. */
import type { DescMethod, DescMethodServerStreaming } from "@bufbuild/protobuf";
import type { ConnectRouter } from "@connectrpc/connect";
import { RPCS } from "../../src/gateway/connect/rpc-names.ts";
import { Election } from "../../src/wire/gen/etcd/election_pb.ts";
import { Lease, Maintenance, Watch } from "../../src/wire/gen/etcd/rpc_pb.ts";
import { KeepAliveRelay } from "./keep-alive-relay.ts";
import { observe } from "./observe-relay.ts";
import { relaySnapshot } from "./snapshot-relay.ts";
import type { StreamCalls } from "./stream-calls.ts";
import { relayStream } from "./stream-relay.ts";
import { WatchRelay } from "./watch/watch-relay.ts";

/** Streams of answers that are more than passed on. */
const OWN_WAYS: readonly DescMethod[] = [Election.method.observe, Maintenance.method.snapshot];

/** Every RPC of etcd's that is no call with one answer has a place here. */
export function registerStreams(router: ConnectRouter, streams: StreamCalls): void {
  for (const { rpc } of RPCS) {
    if (isServerStreaming(rpc) && !OWN_WAYS.includes(rpc)) {
      router.rpc(rpc, (request, context) => relayStream(streams, rpc, request, context));
    }
  }
  router.rpc(Election.method.observe, (request, context) => observe(streams, request, context));
  router.rpc(Maintenance.method.snapshot, (request, context) => relaySnapshot(streams, request, context));
  router.rpc(Lease.method.leaseKeepAlive, (requests, context) =>
    new KeepAliveRelay(streams, context).answers(requests),
  );
  router.rpc(Watch.method.watch, (requests, context) => {
    const relay = new WatchRelay({
      open: (asked, signal) => streams.open(Watch.method.watch, asked, context, signal),
      needsLeader: context.requestHeader.get("hasleader") === "true",
    });
    return relay.answers(requests, context.signal);
  });
}

function isServerStreaming(rpc: DescMethod): rpc is DescMethodServerStreaming {
  return rpc.methodKind === "server_streaming";
}
