import { type Code, ConnectError } from "@connectrpc/connect";
import { originHeaders } from "../answers.ts";
import type { V3Refusal } from "../v3/refusal.ts";

/** A refusal as gRPC-web and Connect carry it: etcd's code and text, and where it came from as headers. */
export function refusalError({ code, message, origin }: V3Refusal): ConnectError {
  // Connect's codes are gRPC's.
  return new ConnectError(message, code as Code, originHeaders(origin));
}
