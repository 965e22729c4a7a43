import { BinaryReader } from "@bufbuild/protobuf/wire";

/** Fields of `edged.Command` that change members. */
const FIRST_FIELD = 20;
const LAST_FIELD = 23;

/** Whether an encoded `edged.Command` changes members. Looks at tags only; the command has been read before. */
export function isMemberCommand(command: Uint8Array): boolean {
  const reader = new BinaryReader(command);
  while (reader.pos < reader.len) {
    const [field, type] = reader.tag();
    if (field >= FIRST_FIELD && field <= LAST_FIELD) return true;
    reader.skip(type, field);
  }
  return false;
}
