/**
 * The answer of a method that may wait for as long as its client does. The runtime hears that a client
 * has hung up only when it writes to it, so while the method waits, white space is sent, which JSON
 * allows before a value. The status has been sent by then: if what comes is an error, the body holds it
 * and then breaks off, so that no client takes it for the answer it waited for.
 */
import type { DescMessage, MessageShape } from "@bufbuild/protobuf";
import type { Context } from "hono";
import { utf8 } from "../../wire/text.ts";
import type { GatewayEnv } from "../services.ts";
import { Outlet } from "../watch/outlet.ts";
import type { V3Call, V3Outcome } from "./call.ts";
import { printBody } from "./json-printer.ts";
import type { UnaryMethod } from "./method.ts";
import { refusalBody } from "./refusal.ts";
import { STREAM_HEADERS } from "./stream-headers.ts";

type Headers = Readonly<Record<string, string>>;

/** A hang-up is noticed after a tenth of the time that it took, within these bounds. */
const PULSE_MS_MIN = 100;
const PULSE_MS_MAX = 5_000;
const PULSE = utf8(" ");

/** Either the outcome, if it was there at once, or the answer of one that is still waited for. */
export async function serveWaiting<Request extends DescMessage, Answer extends DescMessage>(
  c: Context<GatewayEnv>,
  call: V3Call<MessageShape<Request>>,
  method: UnaryMethod<Request, Answer>,
): Promise<V3Outcome<MessageShape<Answer>> | Response> {
  const gone = new AbortController();
  let begin: (headers: Headers) => void = () => undefined;
  const waiting = new Promise<{ readonly kind: "waiting"; readonly headers: Headers }>((resolve) => {
    begin = (headers) => resolve({ kind: "waiting", headers });
  });
  const { client, services } = call;
  const signal = AbortSignal.any([client.signal, gone.signal]);
  const serving = method.serve({ ...call, client: { ...client, signal, waits: begin } });
  const atOnce = await Promise.race([serving, waiting]);
  if (atOnce.kind !== "waiting") return atOnce;
  const outlet = new Outlet(() => gone.abort());
  let outcome: V3Outcome<MessageShape<Answer>> | null = null;
  const served = serving.then((settled) => {
    outcome = settled;
  });
  const pulse = async (): Promise<void> => {
    const begunAt = services.clock.nowMs();
    while (outcome === null && !outlet.isClosed) {
      const waitedMs = services.clock.nowMs() - begunAt;
      const pauseMs = Math.min(Math.max(waitedMs / 10, PULSE_MS_MIN), PULSE_MS_MAX);
      await Promise.race([served, services.clock.sleep(pauseMs)]);
      if (outcome === null) await outlet.send(PULSE);
    }
  };
  const finish = async (): Promise<void> => {
    await Promise.all([served, pulse()]);
    const settled = await serving;
    if (settled.kind === "answered") {
      await outlet.send(utf8(String(printBody(method.answer, settled.message))));
      outlet.close();
    } else {
      await outlet.send(utf8(refusalBody(settled)));
      outlet.fail(new Error(settled.message));
    }
  };
  finish().catch((error: unknown) => {
    console.error(error);
    outlet.fail(error);
  });
  return c.body(outlet.body, 200, { ...STREAM_HEADERS, ...atOnce.headers });
}
