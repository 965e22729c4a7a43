/**
 * Calls with one answer, on to a gateway; on to the next one when it gives none. Their messages pass
 * through as bytes, since gRPC's and Connect's are the same: most of what a bridge does is this.
 */
import type { IncomingHttpHeaders, ServerHttp2Stream } from "node:http2";
import { RPCS } from "../../src/gateway/connect/rpc-names.ts";
import { CallRelay, type CallRelayOptions } from "./call-relay.ts";
import { UnaryCall } from "./unary-call.ts";

/** Calls that change nothing need no key to be repeated. */
const READS = new Set([
  "Range",
  "LeaseTimeToLive",
  "LeaseLeases",
  "MemberList",
  "Status",
  "Hash",
  "HashKV",
  "AuthStatus",
  "UserGet",
  "UserList",
  "RoleGet",
  "RoleList",
  "Leader",
]);

/** Whether a call needs a key, by its path. */
const CALLS: ReadonlyMap<string, { readonly isRead: boolean }> = new Map(
  RPCS.filter(({ rpc }) => rpc.methodKind === "unary").map(({ rpc }) => [
    `/${rpc.parent.typeName}/${rpc.name}`,
    { isRead: READS.has(rpc.name) },
  ]),
);

export class UnaryCalls {
  readonly #relay: CallRelay;

  constructor(options: CallRelayOptions) {
    this.#relay = new CallRelay(options);
  }

  /** Whether this is such a call; if it is, it will be answered. */
  takes(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): boolean {
    const path = headers[":path"] ?? "";
    const call = CALLS.get(path);
    if (call === undefined) return false;
    new UnaryCall(this.#relay, stream, { path, headers, isRead: call.isRead }).serve();
    return true;
  }
}
