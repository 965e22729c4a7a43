import { assert } from "../base/assert.ts";
import { EMPTY_BYTES } from "../base/bytes.ts";
import {
  bytesFieldBytes,
  numberFieldBytes,
  varintBytes,
  writeBytesField,
  writeNumberField,
  writeVarint,
} from "../wire/fields.ts";
import { utf8 } from "../wire/text.ts";
import type { ApplyOutcome } from "./apply-outcome.ts";

/** An answer to be remembered, of the entry that is being applied. */
export interface NewAnswer {
  readonly opId: Uint8Array;
  /** The command's. */
  readonly sequence: number;
  /** What a retry is answered. */
  readonly outcome: Exclude<ApplyOutcome, { kind: "superseded" }>;
}

/** Tags of `RememberedAnswers.answers`, and of the fields of one `RememberedAnswer`. */
const ANSWERS = 0x0a;
const OP_ID = 0x0a;
const REVISION = 0x10;
const RESPONSE = 0x1a;
const LOST = 0x20;
const ERROR = 0x2a;
const POSITION = 0x30;

/** The answers as `edged.RememberedAnswers`; their places count from `first`. */
export function encodeAnswers(answers: readonly NewAnswer[], first: number): Uint8Array {
  let length = 0;
  for (const answer of answers) {
    const bytes = answerBytes(answer, first);
    length += 1 + varintBytes(bytes) + bytes;
  }
  const encoded = new Uint8Array(length);
  let at = 0;
  for (const answer of answers) {
    encoded[at] = ANSWERS;
    at = writeVarint(encoded, at + 1, answerBytes(answer, first));
    at = writeAnswer(encoded, at, answer, first);
  }
  assert(at === length, "answers must fill their buffer");
  return encoded;
}

function answerBytes({ opId, sequence, outcome }: NewAnswer, first: number): number {
  return (
    bytesFieldBytes(opId.length) +
    numberFieldBytes(outcome.revision) +
    bytesFieldBytes(responseOf(outcome).length) +
    numberFieldBytes(lostOf(outcome)) +
    bytesFieldBytes(errorOf(outcome).length) +
    numberFieldBytes(sequence - first)
  );
}

/** Returns where to go on. */
function writeAnswer(
  bytes: Uint8Array,
  from: number,
  { opId, sequence, outcome }: NewAnswer,
  first: number,
): number {
  let at = writeBytesField(bytes, from, OP_ID, opId);
  at = writeNumberField(bytes, at, REVISION, outcome.revision);
  at = writeBytesField(bytes, at, RESPONSE, responseOf(outcome));
  at = writeNumberField(bytes, at, LOST, lostOf(outcome));
  at = writeBytesField(bytes, at, ERROR, errorOf(outcome));
  return writeNumberField(bytes, at, POSITION, sequence - first);
}

function responseOf(outcome: NewAnswer["outcome"]): Uint8Array {
  return outcome.kind === "applied" && outcome.complete ? outcome.response : EMPTY_BYTES;
}

/** A boolean on the wire. */
function lostOf(outcome: NewAnswer["outcome"]): number {
  return outcome.kind === "applied" && !outcome.complete ? 1 : 0;
}

function errorOf(outcome: NewAnswer["outcome"]): Uint8Array {
  return outcome.kind === "rejected" ? utf8(outcome.error) : EMPTY_BYTES;
}
