import { BinaryReader, WireType } from "@bufbuild/protobuf/wire";

/** Protobuf tags of `RememberedAnswers.answers`, and within it of `op_id` and `position`. */
const ANSWERS = 1;
const OP_ID = 1;
const POSITION = 6;

/**
 * The ids of a row with their places in the entry, without building the answers: a replica that wakes
 * reads thousands of rows before its first write.
 */
export function* rememberedIds(ops: Uint8Array): Generator<readonly [Uint8Array, number], void> {
  const rows = new BinaryReader(ops);
  while (rows.pos < rows.len) {
    const [field, wireType] = rows.tag();
    if (field !== ANSWERS || wireType !== WireType.LengthDelimited) rows.skip(wireType, field);
    else yield readAnswer(new BinaryReader(rows.bytes()));
  }
}

function readAnswer(reader: BinaryReader): readonly [Uint8Array, number] {
  let opId: Uint8Array = new Uint8Array(0);
  let position = 0;
  while (reader.pos < reader.len) {
    const [field, wireType] = reader.tag();
    if (field === OP_ID) opId = reader.bytes();
    else if (field === POSITION) position = reader.uint32();
    else reader.skip(wireType, field);
  }
  return [opId, position];
}
