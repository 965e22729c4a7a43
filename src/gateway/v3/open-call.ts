import type { Context } from "hono";
import { err, ok, type Result } from "../../base/result.ts";
import { GRPC_CODE } from "../../wire/errors.ts";
import { freshOperationIds, idempotencyKey, keyedOperationId } from "../operation-id.ts";
import type { GatewayEnv, Services } from "../services.ts";
import type { V3Call } from "./call.ts";
import { refused, refusedFor, type V3Refusal } from "./refusal.ts";

/** Each attempt needs time to be worth beginning. */
const BUDGET_MS_MIN = 1;

/** What a bridge tells of itself: its clients reach the cluster at the bridge, not at the gateway. */
const CLIENT_URL = "x-edged-client-url";

/** One request as it arrived, in whatever protocol. */
export interface Arrival {
  /** By names in lower case; null for those that are not there. */
  readonly headers: { get(name: string): string | null };
  readonly cluster: string;
  readonly pin: string | null;
  readonly token: string | null;
  /** The URL that the client has for the cluster, as it sees the gateway. */
  readonly baseUrl: string;
  readonly signal: AbortSignal;
  readonly outlive: (work: Promise<unknown>) => void;
}

/** The URL that the client of `request` has for the cluster. */
export function baseUrlOf({ url }: Request, cluster: string): string {
  const { origin, pathname } = new URL(url);
  const folder = `/clusters/${cluster}`;
  return pathname.startsWith(`${folder}/`) ? `${origin}${folder}` : origin;
}

/** The call that a message becomes once it was read. */
export function openCall<Message>(
  c: Context<GatewayEnv>,
  services: Services,
  name: string,
  request: Message,
  timeoutMs: number | null,
): Promise<Result<V3Call<Message>, V3Refusal>> {
  const { headers, signal } = c.req.raw;
  const cluster = c.get("cluster");
  const baseUrl = baseUrlOf(c.req.raw, cluster);
  const [pin, token, outlive] = [c.get("pin"), c.get("token"), outliveIn(c)];
  const arrival = { headers, cluster, pin, token, baseUrl, signal, outlive };
  return openArrived(arrival, services, name, request, timeoutMs);
}

/**
 * Where a call goes, how long it may take, who the write is. `name` is the method's path below
 * `/v3/`, `timeoutMs` what the client leaves, or null.
 */
export async function openArrived<Message>(
  { headers, cluster, pin, token, baseUrl, signal, outlive }: Arrival,
  services: Services,
  name: string,
  request: Message,
  timeoutMs: number | null,
): Promise<Result<V3Call<Message>, V3Refusal>> {
  if (timeoutMs !== null && timeoutMs < BUDGET_MS_MIN) return err(refusedFor("deadlineExceeded"));
  const key = idempotencyKey(headers);
  if (!key.ok) return err(refused(GRPC_CODE.invalidArgument, key.error.message));
  const keyed = key.value === null ? null : await keyedOperationId([cluster, "v3", name], key.value);
  const budget = timeoutMs === null ? {} : { budgetMs: Math.min(timeoutMs, services.router.budgetMs) };
  const told = headers.get(CLIENT_URL);
  return ok({
    request,
    services,
    baseUrl: told !== null && /^https?:\/\/[^\s/]+$/.test(told) ? told : baseUrl,
    choice: { cluster, pin, token, ...budget },
    client: { signal, timeoutMs, outlive },
    hasDeadline: timeoutMs !== null,
    operationId: keyed === null ? freshOperationIds(services.entropy) : () => keyed,
    mayRepeat: keyed !== null,
  });
}

/** The platform ends what a request began when its client goes, unless it is told. */
export function outliveIn(c: Context<GatewayEnv>): (work: Promise<unknown>) => void {
  return (work) => {
    const settled = work.catch(() => undefined);
    try {
      c.executionCtx.waitUntil(settled);
    } catch {
      // Without a platform, as in tests, nothing ends early.
    }
  };
}
