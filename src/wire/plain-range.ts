/**
 * A read of one key and its answer, straight to and from their bytes: `RangeRequest` with nothing but a
 * key, `RangeResponse` with one pair at most. The most frequent reads there are, without the objects
 * that a general decoder makes on the way.
 */
import { assert, assertCount } from "../base/assert.ts";
import { EMPTY_BYTES } from "../base/bytes.ts";
import {
  bytesFieldBytes,
  numberFieldBytes,
  varintBytes,
  writeBytesField,
  writeNumberField,
  writeVarint,
} from "./fields.ts";

/** What a read of one key found. */
export interface PlainPair {
  readonly key: Uint8Array;
  readonly createRevision: number;
  readonly modRevision: number;
  readonly version: number;
  readonly value: Uint8Array;
  /** 0 for none. */
  readonly lease: bigint;
}

/** Of a pair, what its readers are shown. Its value shares the bytes it was read from. */
export type ShownPair = Omit<PlainPair, "key" | "lease">;

const REQUEST_KEY = 0x0a;
/** Tags of `RangeResponse.header`, `kvs` and `count`, and of `ResponseHeader.revision`. */
const HEADER = 0x0a;
const REVISION = 0x18;
const KVS = 0x12;
const COUNT = 0x20;
/** Tags of `KeyValue`. */
const KEY = 0x0a;
const CREATE_REVISION = 0x10;
const MOD_REVISION = 0x18;
const VERSION = 0x20;
const VALUE = 0x2a;
const LEASE = 0x30;

const VARINT_BYTES_MAX = 10;
const NO_END = -1;

/** An encoded `RangeRequest` for one key. */
export function encodePlainRequest(key: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(bytesFieldBytes(key.length));
  writeBytesField(bytes, 0, REQUEST_KEY, key);
  return bytes;
}

/** The key that an encoded `RangeRequest` asks for, if it asks for nothing else; else null. */
export function readPlainRequest(bytes: Uint8Array): Uint8Array | null {
  if (bytes[0] !== REQUEST_KEY) return null;
  const start = varintEnd(bytes, 1, bytes.length);
  return start !== NO_END && start + varint(bytes, 1, start) === bytes.length ? bytes.subarray(start) : null;
}

/** An encoded `RangeResponse`, its header holding only a revision: what was found of one key, if anything. */
export function encodePlainAnswer(revision: number, found: PlainPair | null): Uint8Array {
  const headerBytes = numberFieldBytes(revision);
  const pairBytes = found === null ? 0 : bytesOfPair(found);
  const foundBytes = found === null ? 0 : 1 + varintBytes(pairBytes) + pairBytes + numberFieldBytes(1);
  const bytes = new Uint8Array(2 + headerBytes + foundBytes);
  bytes[0] = HEADER;
  let at = writeNumberField(bytes, writeVarint(bytes, 1, headerBytes), REVISION, revision);
  if (found !== null) {
    bytes[at] = KVS;
    at = writePair(bytes, writeVarint(bytes, at + 1, pairBytes), found);
    at = writeNumberField(bytes, at, COUNT, 1);
  }
  assert(at === bytes.length, "an answer must fill its buffer");
  return bytes;
}

function bytesOfPair(found: PlainPair): number {
  return (
    bytesFieldBytes(found.key.length) +
    numberFieldBytes(found.createRevision) +
    numberFieldBytes(found.modRevision) +
    numberFieldBytes(found.version) +
    bytesFieldBytes(found.value.length) +
    leaseBytes(found.lease)
  );
}

/** The pair in an encoded `RangeResponse`; null: there is none. Throws on what is not the answer to a read of one key. */
export function readPlainAnswer(bytes: Uint8Array): ShownPair | null {
  let pair: ShownPair | null = null;
  let at = 0;
  while (at < bytes.length) {
    const tag = bytes[at];
    const start = at + 1;
    at = varintEnd(bytes, start, bytes.length);
    assert(at !== NO_END, "an answer must end with a field");
    if (tag === COUNT) continue;
    const end = at + varint(bytes, start, at);
    assert(end <= bytes.length, "a field must end within its message");
    if (tag === HEADER) {
      const isRevision = bytes[at] === REVISION && varintEnd(bytes, at + 1, end) === end;
      assert(at === end || isRevision, "a header holds only a revision");
    } else {
      assert(tag === KVS && pair === null, "one pair at most answers a read of one key");
      pair = readPair(bytes, at, end);
    }
    at = end;
  }
  return pair;
}

function readPair(bytes: Uint8Array, from: number, to: number): ShownPair {
  let [createRevision, modRevision, version] = [0, 0, 0];
  let value: Uint8Array = EMPTY_BYTES;
  let at = from;
  while (at < to) {
    const tag = bytes[at];
    const start = at + 1;
    at = varintEnd(bytes, start, to);
    assert(at !== NO_END, "a pair must end with a field");
    if (tag === CREATE_REVISION) createRevision = count(bytes, start, at);
    else if (tag === MOD_REVISION) modRevision = count(bytes, start, at);
    else if (tag === VERSION) version = count(bytes, start, at);
    else if (tag === KEY || tag === VALUE) {
      const end = at + varint(bytes, start, at);
      assert(end <= to, "a field must end within its pair");
      if (tag === VALUE) value = bytes.subarray(at, end);
      at = end;
    } else assert(tag === LEASE, "a pair has six fields");
  }
  return { createRevision, modRevision, version, value };
}

/** Where the varint at `at` ends, before `to`; `NO_END` if it does not. */
function varintEnd(bytes: Uint8Array, at: number, to: number): number {
  let end = at;
  while (end < to && (bytes[end] ?? 0) >= 128) end += 1;
  return end < to && end - at < VARINT_BYTES_MAX ? end + 1 : NO_END;
}

/** The number in a varint that ends at `end`; not exact above the safe integers. */
function varint(bytes: Uint8Array, at: number, end: number): number {
  let value = 0;
  for (let place = end - 1; place >= at; place -= 1) value = value * 128 + ((bytes[place] ?? 0) & 127);
  return value;
}

function count(bytes: Uint8Array, at: number, end: number): number {
  const value = varint(bytes, at, end);
  assertCount(value, "a number on the wire");
  return value;
}

function leaseBytes(lease: bigint): number {
  if (lease === 0n) return 0;
  let bytes = 2;
  for (let rest = BigInt.asUintN(64, lease) >> 7n; rest > 0n; rest >>= 7n) bytes += 1;
  return bytes;
}

/** Returns where to go on. */
function writePair(bytes: Uint8Array, from: number, found: PlainPair): number {
  let at = writeBytesField(bytes, from, KEY, found.key);
  at = writeNumberField(bytes, at, CREATE_REVISION, found.createRevision);
  at = writeNumberField(bytes, at, MOD_REVISION, found.modRevision);
  at = writeNumberField(bytes, at, VERSION, found.version);
  at = writeBytesField(bytes, at, VALUE, found.value);
  return writeLease(bytes, at, found.lease);
}

/** 64 bits, which a number has not. */
function writeLease(bytes: Uint8Array, at: number, lease: bigint): number {
  if (lease === 0n) return at;
  bytes[at] = LEASE;
  let place = at + 1;
  let rest = BigInt.asUintN(64, lease);
  for (; rest >= 128n; rest >>= 7n) {
    bytes[place] = Number(rest & 127n) | 0x80;
    place += 1;
  }
  bytes[place] = Number(rest);
  return place + 1;
}
