/**
 * Any of etcd's requests from JSON, exactly as etcd's gateway reads it: which forms are accepted, in
 * which order fields are looked at, and the words for what is wrong. protobuf's own `fromJson` is
 * stricter in some places, more lenient in others, and has words of its own.
 * Source: Go `jsonpb.Unmarshal` on top of `encoding/json`.
 */
import { create, type DescField, type DescMessage, type MessageShape } from "@bufbuild/protobuf";
import { type ReflectMessage, reflect } from "@bufbuild/protobuf/reflect";
import { InvariantError } from "../../base/assert.ts";
import { LIMITS } from "../../base/limits.ts";
import { err, ok, type Result } from "../../base/result.ts";
import { quoteText } from "./go-quote.ts";
import { type JsonRefusal, unreadable, wrongType } from "./json-refusal.ts";
import { goEnumType, readEnum, readScalar, type ScalarResult } from "./json-scalars.ts";
import { type JsonText, scanJson } from "./json-text.ts";

type ListField = DescField & { fieldKind: "list" };
type Outcome = JsonRefusal | null;

const TOO_MANY_PARTS: JsonRefusal = { kind: "beyond-limit", error: "requestTooLarge" };
/** Only transactions nest, and only to the number of operations they may have. */
const TOO_DEEP: JsonRefusal = { kind: "beyond-limit", error: "tooManyOps" };

/** The request in `body`: its first JSON value, all of the rest is ignored; nothing at all is an empty request. */
export function readJsonRequest<Desc extends DescMessage>(
  schema: Desc,
  body: Uint8Array,
): Result<MessageShape<Desc>, JsonRefusal> {
  const message = create(schema);
  const scan = scanJson(body);
  switch (scan.kind) {
    case "empty":
      return ok(message);
    case "malformed":
      return err(unreadable(scan.message));
    case "too-many-parts":
      return err(TOO_MANY_PARTS);
    case "value": {
      const refusal = new JsonReader(scan.text).read(reflect(schema, message), scan.start, 1);
      return refusal === null ? ok(message) : err(refusal);
    }
  }
}

class JsonReader {
  readonly #text: JsonText;
  #items = 0;

  constructor(text: JsonText) {
    this.#text = text;
  }

  /** Fills `message` from the value at `offset`. */
  read(message: ReflectMessage, offset: number, depth: number): Outcome {
    if (depth > LIMITS.messageDepthMax) return TOO_DEEP;
    const kind = this.#text.kindAt(offset);
    if (kind === "null") return null;
    if (kind !== "object") return wrongType(kind, "map[string]json.RawMessage");
    const values = new Map<string, number>();
    const { names, fields } = formOf(message.desc);
    for (const { name, value } of this.#text.members(offset)) if (names.has(name)) values.set(name, value);
    for (const field of fields) {
      const value = values.get(field.jsonName) ?? values.get(field.name);
      if (value === undefined) continue;
      const refusal = this.#field(message, field, value, depth);
      if (refusal !== null) return refusal;
    }
    return null;
  }

  #field(message: ReflectMessage, field: DescField, offset: number, depth: number): Outcome {
    switch (field.fieldKind) {
      case "scalar":
        return set(message, field, readScalar(this.#text, offset, field.scalar));
      case "enum":
        return set(message, field, readEnum(this.#text, offset, field.enum));
      case "message": {
        if (this.#text.kindAt(offset) === "null") return null;
        const inner = reflect(field.message);
        const refusal = this.read(inner, offset, depth + 1);
        if (refusal === null) message.set(field, inner);
        return refusal;
      }
      case "list":
        return this.#list(message, field, offset, depth);
      default:
        throw new InvariantError(`no request of etcd has a ${field.fieldKind} field`);
    }
  }

  #list(message: ReflectMessage, field: ListField, offset: number, depth: number): Outcome {
    const kind = this.#text.kindAt(offset);
    if (kind === "null") return null;
    if (kind === "string" && field.listKind === "enum") return this.#enumForList(field, offset);
    if (kind !== "array") return wrongType(kind, "[]json.RawMessage");
    const list = message.get(field);
    for (const item of this.#text.items(offset)) {
      this.#items += 1;
      if (this.#items > LIMITS.jsonPartsMax) return TOO_MANY_PARTS;
      if (field.listKind === "message") {
        // A null in a list, on which etcd's connection breaks, is an empty message here.
        const inner = reflect(field.message);
        const refusal = this.read(inner, item, depth + 1);
        if (refusal !== null) return refusal;
        list.add(inner);
      } else {
        const read =
          field.listKind === "enum"
            ? readEnum(this.#text, item, field.enum)
            : readScalar(this.#text, item, field.scalar);
        if (!read.ok) return read.error;
        if (read.value !== undefined) list.add(read.value);
      }
    }
    return null;
  }

  /** jsonpb looks at a string's name before it sees that a list is due. */
  #enumForList(field: ListField & { listKind: "enum" }, offset: number): JsonRefusal {
    const read = readEnum(this.#text, offset, field.enum);
    if (!read.ok) return read.error;
    return unreadable(`invalid target ${quoteText("slice")} for enum ${goEnumType(field.enum)}`);
  }
}

function set(message: ReflectMessage, field: DescField, read: ScalarResult): Outcome {
  if (!read.ok) return read.error;
  if (read.value !== undefined) message.set(field, read.value);
  return null;
}

/** What jsonpb knows of a message. */
interface Form {
  /** Both spellings of every field; other names are ignored. */
  readonly names: ReadonlySet<string>;
  /** In the order in which they are looked at: as declared, the members of oneofs last. */
  readonly fields: readonly DescField[];
}

const forms = new WeakMap<DescMessage, Form>();

function formOf(desc: DescMessage): Form {
  const known = forms.get(desc);
  if (known !== undefined) return known;
  const plain = desc.fields.filter((field) => field.oneof === undefined);
  const form: Form = {
    names: new Set(desc.fields.flatMap((field) => [field.name, field.jsonName])),
    fields: [...plain, ...desc.fields.filter((field) => field.oneof !== undefined)],
  };
  forms.set(desc, form);
  return form;
}
