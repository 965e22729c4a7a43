/** etcd's services as native gRPC. */
import type { DescMethod, DescMethodUnary } from "@bufbuild/protobuf";
import type { ConnectRouter } from "@connectrpc/connect";
import { RPCS } from "../../src/gateway/connect/rpc-names.ts";
import type { UnaryCalls } from "./unary-calls.ts";

export interface Relays {
  readonly calls: UnaryCalls;
}

export function registerServices(router: ConnectRouter, { calls }: Relays): void {
  for (const { rpc } of RPCS) {
    if (isUnary(rpc)) router.rpc(rpc, (request, context) => calls.call(rpc, request, context));
  }
}

function isUnary(rpc: DescMethod): rpc is DescMethodUnary {
  return rpc.methodKind === "unary";
}
