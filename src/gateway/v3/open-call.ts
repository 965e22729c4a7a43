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
const CLIENT_URL = "X-Edged-Client-Url";

/** The URL that the client has for the cluster, as it sees the gateway or the bridge before it. */
function baseUrl({ url, headers }: Request, cluster: string): string {
  const told = headers.get(CLIENT_URL);
  if (told !== null && /^https?:\/\/[^\s/]+$/.test(told)) return told;
  const { origin, pathname } = new URL(url);
  const folder = `/clusters/${cluster}`;
  return pathname.startsWith(`${folder}/`) ? `${origin}${folder}` : origin;
}

/**
 * The call that a message becomes once it was read, in whatever protocol: where it goes, how long it
 * may take, who the write is. `name` is the method's path below `/v3/`, `timeoutMs` what the client
 * leaves, or null.
 */
export async function openCall<Message>(
  c: Context<GatewayEnv>,
  services: Services,
  name: string,
  request: Message,
  timeoutMs: number | null,
): Promise<Result<V3Call<Message>, V3Refusal>> {
  if (timeoutMs !== null && timeoutMs < BUDGET_MS_MIN) return err(refusedFor("deadlineExceeded"));
  const key = idempotencyKey(c.req.raw.headers);
  if (!key.ok) return err(refused(GRPC_CODE.invalidArgument, key.error.message));
  const cluster = c.get("cluster");
  const keyed = key.value === null ? null : await keyedOperationId([cluster, "v3", name], key.value);
  const budget = timeoutMs === null ? {} : { budgetMs: Math.min(timeoutMs, services.router.budgetMs) };
  return ok({
    request,
    services,
    baseUrl: baseUrl(c.req.raw, cluster),
    choice: { cluster, pin: c.get("pin"), token: c.get("token"), ...budget },
    client: { signal: c.req.raw.signal, timeoutMs, outlive: outliveIn(c) },
    hasDeadline: timeoutMs !== null,
    operationId: keyed === null ? freshOperationIds(services.entropy) : () => keyed,
  });
}

/** The platform ends what a request began when its client goes, unless it is told. */
function outliveIn(c: Context<GatewayEnv>): (work: Promise<unknown>) => void {
  return (work) => {
    const settled = work.catch(() => undefined);
    try {
      c.executionCtx.waitUntil(settled);
    } catch {
      // Without a platform, as in tests, nothing ends early.
    }
  };
}
