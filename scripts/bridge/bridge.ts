/** Native gRPC and HTTP/1.1 on one port, as etcd has them, in front of a gateway. */
import type { IncomingHttpHeaders } from "node:http2";
import type { DescService } from "@bufbuild/protobuf";
import { Code, createContextValues } from "@connectrpc/connect";
import {
  type ConnectNodeAdapterOptions,
  compressionGzip,
  connectNodeAdapter,
} from "@connectrpc/connect-node";
import { RPCS } from "../../src/gateway/connect/rpc-names.ts";
import { Health } from "../../src/wire/gen/grpc/health/v1/health_pb.ts";
import { Gateways } from "./gateways.ts";
import { READ_BYTES_MAX } from "./grpc-frames.ts";
import { percentEncoded, withPlainMessages } from "./grpc-message.ts";
import { registerHealth } from "./health-service.ts";
import { HttpProxy } from "./http-proxy.ts";
import { clientUrlOf } from "./metadata.ts";
import { type BridgeOptions, SESSIONS_DEFAULT } from "./options.ts";
import { Port } from "./port.ts";
import { registerReflection } from "./reflection-service.ts";
import { CLIENT_URL, StreamCalls } from "./stream-calls.ts";
import { registerStreams } from "./stream-services.ts";
import { UnaryCalls } from "./unary-calls.ts";

const NEVER_BYTES = 2 ** 32 - 1;

/** All that the reflection service shows besides itself. */
const SERVICES: readonly DescService[] = [...new Set(RPCS.map(({ rpc }) => rpc.parent)), Health];

type NodeRequest = Parameters<NonNullable<ConnectNodeAdapterOptions["fallback"]>>[0];
type NodeResponse = Parameters<NonNullable<ConnectNodeAdapterOptions["fallback"]>>[1];

export interface Bridge {
  /** Where clients reach it. */
  readonly url: string;
  close(): Promise<void>;
}

/** Resolves once clients can connect; rejects if the port cannot be had. */
export async function startBridge(options: BridgeOptions): Promise<Bridge> {
  const gateways = new Gateways(options.endpoints, {
    apiToken: options.token,
    sessionsMax: options.sessions ?? SESSIONS_DEFAULT,
  });
  const scheme = options.tls === null ? "http" : "https";
  const calls = new UnaryCalls({ gateways, apiToken: options.token, scheme });
  const streams = new StreamCalls(gateways, options.token);
  const proxy = new HttpProxy(gateways, options.token, scheme);
  const grpc = connectNodeAdapter({
    routes: (router) => {
      registerStreams(router, streams);
      registerHealth(router, gateways);
      registerReflection(router, SERVICES);
    },
    grpc: true,
    grpcWeb: false,
    connect: false,
    acceptCompression: [compressionGzip],
    // Clients say that they could read it; etcd compresses only for those that compress themselves.
    compressMinBytes: NEVER_BYTES,
    readMaxBytes: READ_BYTES_MAX,
    contextValues: (request) => createContextValues().set(CLIENT_URL, clientUrlOf(request.headers, scheme)),
    fallback: refuseUnknown,
  });
  const port = new Port({
    ...options,
    http1: (request, response) => proxy.handle(request, response),
    takes: (stream, headers) => isGrpc(headers) && calls.takes(stream, headers),
    http2: (request, response) => {
      if (isGrpc(request.headers)) grpc(request, withPlainMessages(response));
      else proxy.handle(request, response);
    },
  });
  const address = await port.listen();
  const host = address.family === "IPv6" ? `[${address.address}]` : address.address;
  return {
    url: `${scheme}://${host}:${address.port}`,
    close: async () => {
      await port.close();
      gateways.close();
    },
  };
}

function isGrpc(headers: IncomingHttpHeaders): boolean {
  return headers["content-type"]?.startsWith("application/grpc") === true;
}

/** A gRPC server's answer to a service or method that it does not have. */
function refuseUnknown(request: NodeRequest, response: NodeResponse): void {
  const [, service = "", method = ""] = (request.url ?? "").split("/");
  const isKnown = SERVICES.some(({ typeName }) => typeName === service);
  const text = isKnown ? `unknown method ${method} for service ${service}` : `unknown service ${service}`;
  response.statusCode = 200;
  response.setHeader("content-type", "application/grpc");
  response.setHeader("grpc-status", String(Code.Unimplemented));
  response.setHeader("grpc-message", percentEncoded(text));
  response.end();
}
