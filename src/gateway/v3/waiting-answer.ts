/**
 * The answer of a method that may wait for as long as its client does. The runtime hears that a client
 * has hung up only when it writes to it, so while the method waits, white space is sent, which JSON
 * allows before and after a value. Status and length have been sent by then: if what comes is an error,
 * the body holds it and breaks off before its length, so that no client takes it for the answer it
 * waited for.
 */
import { type DescMessage, type MessageShape, toBinary } from "@bufbuild/protobuf";
import type { Context } from "hono";
import { utf8 } from "../../wire/text.ts";
import { withLength } from "../platform.ts";
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
/** Most of a day; whoever waits longer must ask again. */
const PULSES_MAX = 12 * 1024;
/** What an answer has besides what it repeats of its request, which it may do twice and in base64. */
const ANSWER_BYTES = 4 * 1024;
const REPEATED = 4;

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
  const requestBytes = toBinary(method.request, call.request).length;
  const bodyBytes = PULSES_MAX + ANSWER_BYTES + REPEATED * requestBytes;
  let sentBytes = 0;
  const send = (bytes: Uint8Array): Promise<void> => {
    sentBytes += bytes.length;
    return outlet.send(bytes);
  };
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
      if (outcome === null) await send(PULSE);
      if (sentBytes >= PULSES_MAX) gone.abort();
    }
  };
  const finish = async (): Promise<void> => {
    await Promise.all([served, pulse()]);
    const settled = await serving;
    if (settled.kind === "answered") {
      await send(utf8(String(printBody(method.answer, settled.message))));
      await send(utf8(" ".repeat(bodyBytes - sentBytes)));
      outlet.close();
    } else {
      await send(utf8(refusalBody(settled)));
      outlet.fail(new Error(settled.message));
    }
  };
  finish().catch((error: unknown) => {
    console.error(error);
    outlet.fail(error);
  });
  return c.body(withLength(outlet.body, bodyBytes), 200, { ...STREAM_HEADERS, ...atOnce.headers });
}
