/** A database in a file, for the bbolt writer and reader. */
import type { FileHandle } from "node:fs/promises";
import { BoltError, type PageSource } from "./bolt-reader.ts";
import type { PageSink } from "./bolt-writer.ts";

export function fileSink(file: FileHandle): PageSink {
  return {
    async write(bytes, position) {
      await file.write(bytes, 0, bytes.length, position);
    },
  };
}

export async function fileSource(file: FileHandle): Promise<PageSource> {
  const { size } = await file.stat();
  return {
    sizeBytes: size,
    async read(position, length) {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, position);
      if (bytesRead < length) throw new BoltError("the file ends too early");
      return buffer;
    },
  };
}
