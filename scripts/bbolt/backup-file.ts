/** Our backups as files (docs/snapshot-format.md): frames read from a stream of bytes, and written to one. */
import { createHash } from "node:crypto";
import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { type BackupFrame, BackupFrameSchema } from "../../src/wire/gen/edged_pb.ts";

export const BACKUP_MAGIC = Buffer.from("edged backup 1\n");
const CHECKSUM_BYTES = 32;
const LENGTH_BYTES = 4;
/** As the gateway and the command line have it. */
const FRAME_BYTES_MAX = 4 * 1024 * 1024;

/** The stream is no backup, or a damaged one, or it broke off. */
export class BackupError extends Error {
  override readonly name = "BackupError";
}

/** The frames of a backup; throws at the end if its checksum is wrong. */
export async function* readFrames(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<BackupFrame, void> {
  const bytes = new ByteQueue(chunks);
  const magic = await bytes.take(BACKUP_MAGIC.length);
  if (!magic.equals(BACKUP_MAGIC)) throw new BackupError("it is no backup of edged");
  for (;;) {
    const length = (await bytes.take(LENGTH_BYTES)).readUInt32BE(0);
    if (length === 0) break;
    if (length > FRAME_BYTES_MAX) throw new BackupError(`it has a frame of ${length} bytes`);
    yield fromBinary(BackupFrameSchema, await bytes.take(length));
  }
  const expected = bytes.digest();
  if (!(await bytes.take(CHECKSUM_BYTES)).equals(expected)) throw new BackupError("its checksum is wrong");
}

/** The bytes of a backup of `frames`. */
export async function* writeFrames(frames: AsyncIterable<BackupFrame>): AsyncGenerator<Uint8Array, void> {
  const hash = createHash("sha256");
  const hashed = (bytes: Buffer): Buffer => {
    hash.update(bytes);
    return bytes;
  };
  yield hashed(BACKUP_MAGIC);
  for await (const frame of frames) {
    const bytes = toBinary(BackupFrameSchema, frame);
    const length = Buffer.alloc(LENGTH_BYTES);
    length.writeUInt32BE(bytes.length);
    yield hashed(Buffer.concat([length, bytes]));
  }
  yield hashed(Buffer.alloc(LENGTH_BYTES));
  yield hash.digest();
}

/** Bytes in the portions that are asked for, and a hash of those taken. */
class ByteQueue {
  readonly #chunks: AsyncIterator<Uint8Array>;
  readonly #hash = createHash("sha256");
  #waiting = Buffer.alloc(0);

  constructor(chunks: AsyncIterable<Uint8Array>) {
    this.#chunks = chunks[Symbol.asyncIterator]();
  }

  async take(length: number): Promise<Buffer> {
    const parts: Uint8Array[] = [this.#waiting];
    for (let have = this.#waiting.length; have < length; ) {
      const next = await this.#chunks.next();
      if (next.done === true) throw new BackupError("it ends too early");
      parts.push(next.value);
      have += next.value.length;
    }
    const all = Buffer.concat(parts);
    this.#waiting = all.subarray(length);
    const taken = all.subarray(0, length);
    this.#hash.update(taken);
    return taken;
  }

  /** Of everything taken so far. */
  digest(): Buffer {
    return this.#hash.copy().digest();
  }
}
