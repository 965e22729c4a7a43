/**
 * The bytes of a backup (docs/snapshot-format.md): a line that names the format, frames with their
 * lengths, a length of nothing, and the SHA-256 of all of that.
 */
import { toBinary } from "@bufbuild/protobuf";
import { sha256 } from "@noble/hashes/sha2.js";
import { concatBytes } from "../../base/bytes.ts";
import { type BackupFrame, BackupFrameSchema } from "../../wire/gen/edged_pb.ts";
import { utf8 } from "../../wire/text.ts";

/** The first bytes of every backup. */
export const BACKUP_MAGIC = utf8("edged backup 1\n");

export class BackupFile {
  readonly #hash = sha256.create();

  /** Precedes all frames. */
  begin(): Uint8Array {
    return this.#hashed(BACKUP_MAGIC);
  }

  frame(frame: BackupFrame): Uint8Array {
    const bytes = toBinary(BackupFrameSchema, frame);
    return this.#hashed(concatBytes([lengthBytes(bytes.length), bytes]));
  }

  /** Follows all frames; only the checksum comes behind it. */
  end(): Uint8Array {
    return this.#hashed(lengthBytes(0));
  }

  /** 32 bytes. */
  checksum(): Uint8Array {
    return this.#hash.digest();
  }

  #hashed(bytes: Uint8Array): Uint8Array {
    this.#hash.update(bytes);
    return bytes;
  }
}

/** 4 bytes, big-endian. */
function lengthBytes(length: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, length);
  return bytes;
}
