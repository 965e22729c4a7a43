/** Request bodies, never held beyond a limit. */
import { concatBytes } from "../base/bytes.ts";
import { LIMITS } from "../base/limits.ts";

type Reader = ReadableStreamDefaultReader<Uint8Array>;

/**
 * The body of `request`, or null if it is longer than `bytesMax`. One that is longer is read on to its
 * end and thrown away (see `discardBody`), whether it announces its length or not.
 */
export async function readBody(request: Request, bytesMax: number): Promise<Uint8Array | null> {
  const announced = announcedBytes(request);
  if (announced !== null && announced <= bytesMax) return new Uint8Array(await request.arrayBuffer());
  if (announced !== null) {
    await discardBody(request);
    return null;
  }
  if (request.body === null) return new Uint8Array(0);
  const reader: Reader = request.body.getReader();
  const chunks: Uint8Array[] = [];
  let lengthBytes = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return concatBytes(chunks);
    lengthBytes += value.length;
    if (lengthBytes > bytesMax) break;
    chunks.push(value);
  }
  await discard(reader, lengthBytes, LIMITS.discardMsMax);
  return null;
}

/**
 * Reads a body that nobody wants to its end, so that its client hears why: an answer amid the upload
 * breaks the connection (and with it all of `wrangler dev`), and the client sees that instead. It is
 * given up if it is too long, which it may announce, if it takes too long, or if nothing comes any more.
 */
export async function discardBody(request: Request): Promise<void> {
  const announced = announcedBytes(request);
  if ((announced ?? 0) > LIMITS.discardBytesMax || request.body === null) return;
  const { discardMsMax, discardStreamMsMax } = LIMITS;
  await discard(request.body.getReader(), 0, announced === null ? discardStreamMsMax : discardMsMax);
}

/** The length that a body has for sure; null if only its end tells. */
function announcedBytes({ headers }: Request): number | null {
  const announced = headers.get("Content-Length");
  // With both headers the length counts for nothing: the body ends where its chunks do.
  return announced === null || headers.has("Transfer-Encoding") ? null : Number(announced);
}

async function discard(reader: Reader, readBytes: number, msMax: number): Promise<void> {
  const { discardBytesMax, discardIdleMs } = LIMITS;
  let lengthBytes = readBytes;
  let seenBytes = -1;
  let tookMs = 0;
  // Whoever cancels ends the read that waits. A client that has gone is nobody to tell.
  const giveUp = () => reader.cancel().catch(() => undefined);
  const watchdog = setInterval(() => {
    tookMs += discardIdleMs;
    if (lengthBytes === seenBytes || tookMs >= msMax) void giveUp();
    seenBytes = lengthBytes;
  }, discardIdleMs);
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      lengthBytes += value.length;
      if (lengthBytes > discardBytesMax) {
        await giveUp();
        return;
      }
    }
  } catch {
    // The upload broke off.
  } finally {
    clearInterval(watchdog);
  }
}
