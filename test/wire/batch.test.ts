import { create, toBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { validateCommand } from "../../src/mvcc/validate.ts";
import { decodeBatch, decodeCommand, encodeBatch } from "../../src/wire/batch.ts";
import { BatchSchema, CommandSchema } from "../../src/wire/gen/edged_pb.ts";
import { PutRequestSchema, type TxnRequest, TxnRequestSchema } from "../../src/wire/gen/etcd/rpc_pb.ts";

describe("encodeBatch", () => {
  it("frames encoded commands as protobuf itself does, at every length of the length", () => {
    const sizes = fc.constantFrom(0, 1, 100, 127, 128, 16_383, 16_384, 70_000);
    fc.assert(
      fc.property(fc.array(sizes, { maxLength: 5 }), (lengths) => {
        const commands = lengths.map((length) =>
          create(CommandSchema, {
            opId: new Uint8Array(16).fill(7),
            seen: 5n,
            request: {
              case: "put",
              value: create(PutRequestSchema, { value: new Uint8Array(length).fill(1) }),
            },
          }),
        );
        const data = encodeBatch(commands.map((command) => toBinary(CommandSchema, command)));
        expect(data).toEqual(toBinary(BatchSchema, create(BatchSchema, { commands })));
        expect(decodeBatch(data)).toEqual(commands);
      }),
      { numRuns: 50 },
    );
  });

  it("keeps a command without any field and gives no bytes for no commands", () => {
    expect(decodeBatch(encodeBatch([new Uint8Array(0)]))).toHaveLength(1);
    expect(encodeBatch([])).toHaveLength(0);
    expect(decodeBatch(new Uint8Array(0))).toEqual([]);
  });
});

describe("the deepest transaction that is legal", () => {
  const nested = (levels: number): TxnRequest => {
    let txn = create(TxnRequestSchema, {
      success: [{ request: { case: "requestPut", value: { key: new Uint8Array([1]) } } }],
    });
    for (let level = 1; level < levels; level += 1) {
      txn = create(TxnRequestSchema, { success: [{ request: { case: "requestTxn", value: txn } }] });
    }
    return txn;
  };
  const command = (levels: number) =>
    create(CommandSchema, { request: { case: "txn", value: nested(levels) } });

  it("can be read back, alone and in an entry", () => {
    expect(validateCommand(command(128))).toBe(null);
    expect(validateCommand(command(129))).toBe("tooManyOps");
    const bytes = toBinary(CommandSchema, command(128));
    expect(decodeCommand(bytes)).toEqual(command(128));
    expect(decodeBatch(encodeBatch([bytes]))).toEqual([command(128)]);
  });

  it("is not much below what is refused: whatever can be read alone can be read in an entry", () => {
    for (let levels = 129; ; levels += 1) {
      const bytes = toBinary(CommandSchema, command(levels));
      let isReadable = true;
      try {
        decodeCommand(bytes);
      } catch {
        isReadable = false;
      }
      if (!isReadable) return;
      expect(() => decodeBatch(encodeBatch([bytes]))).not.toThrow();
    }
  });
});
