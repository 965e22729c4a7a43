/** Request bodies, never held beyond a limit. */
import { concatBytes } from "../base/bytes.ts";
import { LIMITS } from "../base/limits.ts";

/**
 * The body of `request`, or null if it is longer than `bytesMax`. A body that announces its length
 * is refused unread. One that does not is read on to its end and thrown away: an answer amid the
 * upload breaks the connection (and with it all of `wrangler dev`), and its client would not hear
 * the refusal. Above `LIMITS.discardBytesMax` it is given up all the same.
 */
export async function readBody(request: Request, bytesMax: number): Promise<Uint8Array | null> {
  const announced = request.headers.get("Content-Length");
  // With both headers the length counts for nothing: the body ends where its chunks do.
  if (announced !== null && !request.headers.has("Transfer-Encoding")) {
    return Number(announced) > bytesMax ? null : new Uint8Array(await request.arrayBuffer());
  }
  if (request.body === null) return new Uint8Array(0);
  const reader: ReadableStreamDefaultReader<Uint8Array> = request.body.getReader();
  let chunks: Uint8Array[] = [];
  let lengthBytes = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    lengthBytes += value.length;
    if (lengthBytes <= bytesMax) chunks.push(value);
    else chunks = [];
    if (lengthBytes > LIMITS.discardBytesMax) {
      await reader.cancel();
      break;
    }
  }
  return lengthBytes > bytesMax ? null : concatBytes(chunks);
}
