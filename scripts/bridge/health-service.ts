/** gRPC's health service: serving is who has a gateway whose cluster answers a linearizable read. */
import { setTimeout as sleep } from "node:timers/promises";
import { Code, ConnectError, type ConnectRouter, type HandlerContext } from "@connectrpc/connect";
import { RPCS } from "../../src/gateway/connect/rpc-names.ts";
import {
  Health,
  type HealthCheckRequest,
  HealthCheckResponse_ServingStatus as Status,
} from "../../src/wire/gen/grpc/health/v1/health_pb.ts";
import type { Gateways } from "./gateways.ts";

const PROBE_MS_MAX = 5_000;
const WATCH_PAUSE_MS = 2_000;

type ServingStatus = (typeof Status)[keyof typeof Status];

export function registerHealth(router: ConnectRouter, gateways: Gateways): void {
  const services = new Set(["", ...RPCS.map(({ rpc }) => rpc.parent.typeName)]);
  router.service(Health, {
    check: async ({ service }) => {
      if (!services.has(service)) throw new ConnectError("unknown service", Code.NotFound);
      return { status: await probe(gateways) };
    },
    watch: (request, context) => watch(gateways, services, request, context),
  });
}

/** The status now, and each one that differs from the one before. */
async function* watch(
  gateways: Gateways,
  services: ReadonlySet<string>,
  { service }: HealthCheckRequest,
  { signal }: HandlerContext,
): AsyncGenerator<{ status: ServingStatus }, void> {
  const isKnown = services.has(service);
  for (let told: ServingStatus | null = null; !signal.aborted; ) {
    const status = isKnown ? await probe(gateways) : Status.SERVICE_UNKNOWN;
    if (status !== told) yield { status };
    told = status;
    await sleep(WATCH_PAUSE_MS, undefined, { signal }).catch(() => undefined);
  }
}

async function probe(gateways: Gateways): Promise<ServingStatus> {
  let gateway = gateways.pick();
  for (let attempt = 0; attempt < gateways.count; attempt += 1, gateway = gateways.pick(gateway)) {
    try {
      const signal = AbortSignal.timeout(PROBE_MS_MAX);
      const response = await fetch(`${gateway.url}/health`, { signal });
      await response.arrayBuffer();
      if (response.ok) return Status.SERVING;
    } catch {
      // Another one may answer.
    }
  }
  return Status.NOT_SERVING;
}
