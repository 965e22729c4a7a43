/** Single values, read as Go's `jsonpb` reads them into fields of etcd's messages. */
import { type DescEnum, ScalarType } from "@bufbuild/protobuf";
import { InvariantError } from "../../base/assert.ts";
import { err, ok, type Result } from "../../base/result.ts";
import { fromUtf8, utf8 } from "../../wire/text.ts";
import { quoteText } from "./go-quote.ts";
import { decodeBase64 } from "./json-base64.ts";
import { type JsonRefusal, unreadable, wrongType } from "./json-refusal.ts";
import { type JsonText, scanJson, wholeJsonError } from "./json-text.ts";

/** What a field holds; undefined for `null`, which leaves the field as it is. */
export type ScalarResult = Result<bigint | number | boolean | string | Uint8Array | undefined, JsonRefusal>;

interface IntegerType {
  readonly goType: string;
  readonly min: bigint;
  readonly max: bigint;
}

const INT32 = { min: -(2n ** 31n), max: 2n ** 31n - 1n };
const INT64: IntegerType = { goType: "int64", min: -(2n ** 63n), max: 2n ** 63n - 1n };
const UINT64: IntegerType = { goType: "uint64", min: 0n, max: 2n ** 64n - 1n };
/** No 64-bit integer has more characters. */
const INTEGER_LENGTH_MAX = 20;

export function readScalar(text: JsonText, offset: number, type: ScalarType): ScalarResult {
  switch (type) {
    case ScalarType.BOOL:
      return readBool(text, offset);
    case ScalarType.STRING:
      return readString(text, offset);
    case ScalarType.BYTES:
      return readBytes(text, offset);
    case ScalarType.INT64:
      return readInteger(text, offset, INT64);
    case ScalarType.UINT64:
      return readInteger(text, offset, UINT64);
    default:
      throw new InvariantError(`no request of etcd has a field of scalar type ${type}`);
  }
}

/** An enum by its exact name, or by any number of 32 bits. */
export function readEnum(text: JsonText, offset: number, type: DescEnum): ScalarResult {
  const goType = goEnumType(type);
  if (text.kindAt(offset) !== "string") {
    const read = readInteger(text, offset, { goType, ...INT32 });
    return read.ok && read.value !== undefined ? ok(Number(read.value)) : read;
  }
  // Names are compared as they were written; escapes are not resolved.
  const name = fromUtf8(text.rawStringAt(offset));
  const found = type.values.find((value) => value.name === name);
  if (found !== undefined) return ok(found.number);
  return err(unreadable(`unknown value ${quoteText(name)} for enum ${goType}`));
}

/** The name of an enum in etcd's Go code, as `etcdserverpb.Compare_CompareResult`. */
export function goEnumType({ typeName, file }: DescEnum): string {
  const prefix = `${file.proto.package}.`;
  return prefix + typeName.slice(prefix.length).replaceAll(".", "_");
}

function readBool(text: JsonText, offset: number): ScalarResult {
  const kind = text.kindAt(offset);
  if (kind === "null") return ok(undefined);
  if (kind !== "bool") return err(wrongType(kind, "bool"));
  return ok(text.scalarAt(offset) === "true");
}

function readString(text: JsonText, offset: number): ScalarResult {
  const kind = text.kindAt(offset);
  if (kind === "null") return ok(undefined);
  if (kind !== "string") return err(wrongType(kind, "string"));
  return ok(text.stringAt(offset));
}

function readBytes(text: JsonText, offset: number): ScalarResult {
  const kind = text.kindAt(offset);
  if (kind === "null") return ok(undefined);
  if (kind === "array") return readByteArray(text, offset);
  if (kind !== "string") return err(wrongType(kind, "[]uint8"));
  const raw = text.rawStringAt(offset);
  const decoded = decodeBase64(raw.includes(0x5c) ? utf8(text.stringAt(offset)) : raw);
  if (decoded.ok) return decoded;
  return err(unreadable(`illegal base64 data at input byte ${decoded.error}`));
}

/** Bytes may also come as a list of numbers; the first wrong one is told. */
function readByteArray(text: JsonText, offset: number): ScalarResult {
  const bytes: number[] = [];
  for (const item of text.items(offset)) {
    const read = readIntegerLiteral(text, item, { goType: "uint8", min: 0n, max: 255n });
    if (!read.ok) return read;
    bytes.push(Number(read.value ?? 0n));
  }
  return ok(Uint8Array.from(bytes));
}

/** A number, or a string that holds one as JSON text. */
function readInteger(
  text: JsonText,
  offset: number,
  type: IntegerType,
): Result<bigint | undefined, JsonRefusal> {
  if (text.kindAt(offset) !== "string") return readIntegerLiteral(text, offset, type);
  const inner = text.rawStringAt(offset);
  const error = wholeJsonError(inner);
  if (error !== null) return err(unreadable(error));
  const scanned = scanJson(inner);
  // Only a list of lists beyond all limits is well-formed and yet not read.
  if (scanned.kind !== "value") return err(wrongType("array", type.goType));
  return readIntegerLiteral(scanned.text, scanned.start, type);
}

function readIntegerLiteral(
  text: JsonText,
  offset: number,
  { goType, min, max }: IntegerType,
): Result<bigint | undefined, JsonRefusal> {
  const kind = text.kindAt(offset);
  if (kind === "null") return ok(undefined);
  if (kind !== "number") return err(wrongType(kind, goType));
  const written = text.scalarAt(offset);
  const refusal = wrongType(`number ${written}`, goType);
  const isSigned = min < 0n;
  if (!(isSigned ? /^-?\d+$/ : /^\d+$/).test(written) || written.length > INTEGER_LENGTH_MAX) {
    return err(refusal);
  }
  const value = BigInt(written);
  return value < min || value > max ? err(refusal) : ok(value);
}
