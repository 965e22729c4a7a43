/** Clients that share one session with a gateway: one WebSocket with all their calls in flight. */
import { SessionClient } from "../bridge/session-client.ts";
import type { Client } from "./drive.ts";
import type { GrpcRequest } from "./grpc-client.ts";
import type { RequestOf } from "./requests.ts";

export function sessionClients(
  url: string,
  count: number,
  requestOf: RequestOf<GrpcRequest>,
): readonly Client[] {
  const session = new SessionClient(url);
  return Array.from({ length: count }, (_, connection) => ({
    call: async (n) => {
      const { method, message } = requestOf(connection, n);
      const { code } = await session.call(method, message);
      return code === 0;
    },
    close: async () => session.close(),
  }));
}
