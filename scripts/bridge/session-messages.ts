/**
 * A session's messages as they are on the wire (src/wire/proto/session.proto): what the generated code
 * reads and writes too, but without an object and a look at the schema for each field of each call.
 */
import { BinaryReader, BinaryWriter, WireType } from "@bufbuild/protobuf/wire";

export interface SessionCall {
  /** As in gRPC: `/etcdserverpb.KV/Range`. */
  readonly path: string;
  readonly request: Uint8Array;
  readonly metadata: Readonly<Record<string, string>>;
  readonly timeoutMs: number | null;
}

export interface NumberedCall {
  readonly id: number;
  readonly call: SessionCall;
}

/** Where the replica that answered stands. */
export interface SessionOrigin {
  readonly revision: string;
  readonly term: string;
  readonly replica: string;
  /** Empty: not known. */
  readonly leader: string;
}

export interface SessionAnswer {
  readonly id: number;
  /** The encoded response, if `code` is 0: a part of the message that it came in. */
  readonly response: Uint8Array;
  /** gRPC's. */
  readonly code: number;
  readonly message: string;
  /** Certainly nothing was done. */
  readonly notBegun: boolean;
  readonly origin: SessionOrigin | null;
}

/** What follows the server's welcome. */
export interface ServerMessage {
  readonly answers: readonly SessionAnswer[];
  /** Texts of what was not understood. */
  readonly problems: readonly string[];
  readonly isGoodbye: boolean;
}

const FROM_CLIENT = { calls: 1, cancels: 2, takenBytes: 3 };
const CALL = { id: 1, path: 2, request: 3, metadata: 4, timeoutMs: 5 };
const METADATA = { name: 1, value: 2 };
const FROM_SERVER = { answers: 2, problems: 3, goodbye: 4 };
const ANSWER = { id: 1, response: 2, code: 3, message: 4, notBegun: 5, origin: 6 };
const ORIGIN = { revision: 1, term: 2, replica: 3, leader: 4 };
const PROBLEM_TEXT = 3;

const { LengthDelimited, Varint } = WireType;

const NOTHING: Uint8Array = new Uint8Array();

/** Messages are written one after another: its buffer stays as large as the largest was. */
const writer = new BinaryWriter();

export function encodeFromClient(
  calls: readonly NumberedCall[],
  cancels: readonly number[],
  takenBytes: number,
): Uint8Array {
  for (const { id, call } of calls) {
    writer.tag(FROM_CLIENT.calls, LengthDelimited).fork();
    writeCall(id, call);
    writer.join();
  }
  for (const id of cancels) writer.tag(FROM_CLIENT.cancels, Varint).uint32(id);
  writer.tag(FROM_CLIENT.takenBytes, Varint).uint64(takenBytes);
  return writer.finish();
}

function writeCall(id: number, { path, request, metadata, timeoutMs }: SessionCall): void {
  writer.tag(CALL.id, Varint).uint32(id);
  writer.tag(CALL.path, LengthDelimited).string(path);
  writer.tag(CALL.request, LengthDelimited).bytes(request);
  for (const name in metadata) {
    writer.tag(CALL.metadata, LengthDelimited).fork();
    writer.tag(METADATA.name, LengthDelimited).string(name);
    writer.tag(METADATA.value, LengthDelimited).string(metadata[name] ?? "");
    writer.join();
  }
  if (timeoutMs !== null) writer.tag(CALL.timeoutMs, Varint).uint32(wholeMs(timeoutMs));
}

/** A time as gateways take it: at least one, at most what a field for it holds, some 49 days. */
export function wholeMs(timeoutMs: number): number {
  return Math.min(Math.max(1, Math.floor(timeoutMs)), 2 ** 32 - 1);
}

/** Throws if the bytes are no such message. */
export function decodeFromServer(bytes: Uint8Array): ServerMessage {
  const reader = new BinaryReader(bytes);
  const answers: SessionAnswer[] = [];
  const problems: string[] = [];
  let isGoodbye = false;
  while (reader.pos < reader.len) {
    const [field, type] = reader.tag();
    if (type !== LengthDelimited) reader.skip(type, field);
    else if (field === FROM_SERVER.answers) answers.push(readAnswer(reader, endOf(reader)));
    else if (field === FROM_SERVER.problems) problems.push(readProblem(reader, endOf(reader)));
    else {
      isGoodbye ||= field === FROM_SERVER.goodbye;
      reader.skip(type, field);
    }
  }
  return { answers, problems, isGoodbye };
}

function readAnswer(reader: BinaryReader, end: number): SessionAnswer {
  let [id, code, message, notBegun] = [0, 0, "", false];
  let response: Uint8Array = NOTHING;
  let origin: SessionOrigin | null = null;
  while (reader.pos < end) {
    const [field, type] = reader.tag();
    if (field === ANSWER.id) id = reader.uint32();
    else if (field === ANSWER.response) response = reader.bytes();
    else if (field === ANSWER.code) code = reader.uint32();
    else if (field === ANSWER.message) message = reader.string();
    else if (field === ANSWER.notBegun) notBegun = reader.bool();
    else if (field === ANSWER.origin) origin = readOrigin(reader, endOf(reader));
    else reader.skip(type, field);
  }
  return { id, response, code, message, notBegun, origin };
}

function readOrigin(reader: BinaryReader, end: number): SessionOrigin {
  let [revision, term, replica, leader] = ["0", "0", "", ""];
  while (reader.pos < end) {
    const [field, type] = reader.tag();
    if (field === ORIGIN.revision) revision = String(reader.uint64());
    else if (field === ORIGIN.term) term = String(reader.uint64());
    else if (field === ORIGIN.replica) replica = reader.string();
    else if (field === ORIGIN.leader) leader = reader.string();
    else reader.skip(type, field);
  }
  return { revision, term, replica, leader };
}

function readProblem(reader: BinaryReader, end: number): string {
  let text = "";
  while (reader.pos < end) {
    const [field, type] = reader.tag();
    if (field === PROBLEM_TEXT) text = reader.string();
    else reader.skip(type, field);
  }
  return text;
}

/** Where the message that comes next ends. */
function endOf(reader: BinaryReader): number {
  const bytes = reader.uint32();
  const end = reader.pos + bytes;
  if (end > reader.len) throw new RangeError("a message ends before it is whole");
  return end;
}
