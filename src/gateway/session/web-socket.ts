/** The platform's WebSockets, which Workers have and the types of others do not know. */
import type { SessionSocket } from "./session.ts";

interface ServerSocket extends SessionSocket {
  binaryType: string;
  accept(): void;
  addEventListener(kind: "message", listen: (event: { readonly data: ArrayBuffer | string }) => void): void;
  addEventListener(kind: "close" | "error", listen: () => void): void;
}

interface WorkersGlobal {
  readonly WebSocketPair: new () => { readonly 0: unknown; readonly 1: ServerSocket };
}

export interface AcceptedSocket {
  readonly socket: SessionSocket;
  /** Answers the request that asked for it. */
  readonly response: Response;
  listen(received: (data: ArrayBuffer | string) => void, gone: () => void): void;
}

export function acceptWebSocket(protocol: string): AcceptedSocket {
  const { WebSocketPair } = globalThis as unknown as WorkersGlobal;
  const { 0: theirs, 1: ours } = new WebSocketPair();
  ours.accept();
  ours.binaryType = "arraybuffer";
  // Only Workers know `webSocket`.
  const init = { status: 101, webSocket: theirs, headers: { "Sec-WebSocket-Protocol": protocol } };
  return {
    socket: ours,
    response: new Response(null, init as ResponseInit),
    listen: (received, gone) => {
      ours.addEventListener("message", ({ data }) => received(data));
      ours.addEventListener("close", gone);
      ours.addEventListener("error", gone);
    },
  };
}
