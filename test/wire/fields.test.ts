import { BinaryReader, BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  bytesFieldBytes,
  numberFieldBytes,
  readBytesField,
  readNumberField,
  readVarint,
  varintBytes,
  writeBytesField,
  writeNumberField,
  writeVarint,
} from "../../src/wire/fields.ts";

const SEVEN_BYTES = 2 ** 49;
const count = fc.oneof(
  fc.constantFrom(
    0,
    1,
    127,
    128,
    16_383,
    16_384,
    2 ** 31,
    2 ** 32 - 1,
    2 ** 32,
    SEVEN_BYTES - 1,
    SEVEN_BYTES,
  ),
  fc.maxSafeNat(),
);
/** Field 2 in both forms. */
const NUMBER = 0x10;
const BYTES = 0x12;

describe("a varint", () => {
  it("has the bytes that the library gives it", () => {
    fc.assert(
      fc.property(count, (value) => {
        const bytes = new Uint8Array(varintBytes(value));
        expect(writeVarint(bytes, 0, value)).toBe(bytes.length);
        expect(bytes).toEqual(new BinaryWriter().uint64(value).finish());
        expect(new BinaryReader(bytes).uint64()).toBe(BigInt(value));
        expect(readVarint(bytes, 0, bytes.length)).toBe(value < SEVEN_BYTES ? value : -1);
      }),
    );
  });

  it("is not read beyond its end, nor where it is longer than need be", () => {
    const read = (...bytes: number[]) => readVarint(Uint8Array.from(bytes), 0, bytes.length);
    expect([read(0), read(0x80, 1)]).toEqual([0, 128]);
    expect([read(), read(0x80), read(0x80, 0), read(0x81, 0x80, 0)]).toEqual([-1, -1, -1, -1]);
    expect(readVarint(Uint8Array.of(0x80, 1, 5), 0, 1)).toBe(-1);
    expect(readVarint(Uint8Array.of(9, 0x80, 1, 5), 1, 3)).toBe(128);
  });
});

describe("a field", () => {
  it("with a number is written as the library does, and read; zero is left out", () => {
    fc.assert(
      fc.property(count, (value) => {
        const bytes = new Uint8Array(numberFieldBytes(value));
        expect(writeNumberField(bytes, 0, NUMBER, value)).toBe(bytes.length);
        const library = new BinaryWriter().tag(2, WireType.Varint).uint64(value).finish();
        expect(bytes).toEqual(value === 0 ? new Uint8Array(0) : library);
        expect(readNumberField(bytes, 0, bytes.length, NUMBER)).toBe(value < SEVEN_BYTES ? value : -1);
      }),
    );
  });

  it("with bytes is written as the library does, and read; none are left out", () => {
    fc.assert(
      fc.property(fc.constantFrom(0, 1, 127, 128, 16_384), (length) => {
        const content = new Uint8Array(length).fill(7);
        const bytes = new Uint8Array(bytesFieldBytes(length));
        expect(writeBytesField(bytes, 0, BYTES, content)).toBe(bytes.length);
        const library = new BinaryWriter().tag(2, WireType.LengthDelimited).bytes(content).finish();
        expect(bytes).toEqual(length === 0 ? new Uint8Array(0) : library);
        expect(readBytesField(bytes, 0, bytes.length, BYTES)).toEqual(content);
        if (length > 0) expect(readBytesField(bytes, 0, bytes.length - 1, BYTES)).toBe(null);
      }),
    );
  });

  it("is another one, or ends before, where its tag is not", () => {
    const bytes = Uint8Array.of(NUMBER, 5, BYTES, 1, 9);
    expect([readNumberField(bytes, 0, 5, NUMBER), readNumberField(bytes, 2, 5, NUMBER)]).toEqual([5, 0]);
    expect([readBytesField(bytes, 2, 5, BYTES), readBytesField(bytes, 0, 5, BYTES)]).toEqual([
      Uint8Array.of(9),
      new Uint8Array(0),
    ]);
    expect([readNumberField(bytes, 0, 0, NUMBER), readBytesField(bytes, 2, 2, BYTES)]).toEqual([
      0,
      new Uint8Array(0),
    ]);
  });

  it("that says nothing, at length, is not as it would be written", () => {
    expect(readNumberField(Uint8Array.of(NUMBER, 0), 0, 2, NUMBER)).toBe(-1);
    expect(readBytesField(Uint8Array.of(BYTES, 0), 0, 2, BYTES)).toBe(null);
  });
});
