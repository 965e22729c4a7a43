/**
 * Answers as JSON, piece by piece: a whole one in memory, as objects, as text and as bytes, would be
 * several times the size of what was read.
 */
import { type DescMessage, type MessageShape, toJsonString } from "@bufbuild/protobuf";
import { type ReflectMessage, reflect } from "@bufbuild/protobuf/reflect";

/** Characters of an answer that is sent as one text, with its length. */
const WHOLE_LENGTH_MAX = 1024 * 1024;
/** Characters of one chunk of a longer one. */
const CHUNK_LENGTH = 256 * 1024;

const OPTIONS = { useProtoFieldName: true } as const;

/** The JSON of `message` with etcd's field names; all pieces together are what `toJsonString` gives. */
export function* printPieces(message: ReflectMessage): Generator<string, void> {
  if (isFlat(message.desc)) {
    yield toJsonString(message.desc, message.message, OPTIONS);
    return;
  }
  let separator = "{";
  for (const field of message.sortedFields) {
    if (!message.isSet(field)) continue;
    const name = `${separator}"${field.name}":`;
    if (field.fieldKind === "list" && field.listKind === "message") {
      yield `${name}[`;
      let itemSeparator = "";
      for (const item of message.get(field)) {
        yield itemSeparator;
        // The list's items are messages, as its kind says; its type does not.
        yield* printPieces(item as ReflectMessage);
        itemSeparator = ",";
      }
      yield "]";
    } else if (field.fieldKind === "message") {
      yield name;
      yield* printPieces(message.get(field));
    } else {
      const single = reflect(message.desc);
      single.set(field, message.get(field));
      yield separator + toJsonString(message.desc, single.message, OPTIONS).slice(1, -1);
    }
    separator = ",";
  }
  yield separator === "{" ? "{}" : "}";
}

const flat = new WeakMap<DescMessage, boolean>();

/** True for messages without lists of messages, at any depth: these are small, or single values. */
function isFlat(desc: DescMessage): boolean {
  const known = flat.get(desc);
  if (known !== undefined) return known;
  const found = desc.fields.every(
    (field) =>
      (field.fieldKind !== "list" || field.listKind !== "message") &&
      (field.fieldKind !== "message" || isFlat(field.message)),
  );
  flat.set(desc, found);
  return found;
}

/** The body that answers with `message`: a text, or a stream if it is long. */
export function printBody<Desc extends DescMessage>(
  schema: Desc,
  message: MessageShape<Desc>,
): string | ReadableStream<Uint8Array> {
  const pieces = printPieces(reflect(schema, message));
  const first = gather(pieces, WHOLE_LENGTH_MAX);
  if (first.isLast) return first.text;
  const encoder = new TextEncoder();
  return new ReadableStream<Uint8Array>({
    start(controller) {
      controller.enqueue(encoder.encode(first.text));
    },
    pull(controller) {
      const next = gather(pieces, CHUNK_LENGTH);
      if (next.text !== "") controller.enqueue(encoder.encode(next.text));
      if (next.isLast) controller.close();
    },
  });
}

/** Pieces until they are longer than `lengthMax`, or all that are left. */
function gather(
  pieces: Generator<string, void>,
  lengthMax: number,
): { readonly text: string; readonly isLast: boolean } {
  const parts: string[] = [];
  for (let length = 0; length <= lengthMax; ) {
    const next = pieces.next();
    if (next.done === true) return { text: parts.join(""), isLast: true };
    parts.push(next.value);
    length += next.value.length;
  }
  return { text: parts.join(""), isLast: false };
}
