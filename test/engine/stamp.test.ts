import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { expect, it } from "vitest";
import { stampSeen } from "../../src/engine/stamp.ts";
import { CommandSchema } from "../../src/wire/gen/edged_pb.ts";
import { PutRequestSchema } from "../../src/wire/gen/etcd/rpc_pb.ts";

const command = (seen: bigint) =>
  create(CommandSchema, {
    opId: new Uint8Array(16).fill(7),
    seen,
    request: { case: "put", value: create(PutRequestSchema, { key: new Uint8Array([1]) }) },
  });

it("fills in how fresh an operation id is where the gateway could not", () => {
  const stamped = stampSeen(toBinary(CommandSchema, command(0n)), 300);
  expect(stamped).not.toBe(null);
  expect(fromBinary(CommandSchema, stamped ?? new Uint8Array())).toEqual(command(300n));
});

it("keeps what the gateway knew", () => {
  const bytes = toBinary(CommandSchema, command(5n));
  expect(stampSeen(bytes, 300)).toEqual(bytes);
});

it("lets nothing unreadable through to the log", () => {
  expect(stampSeen(new Uint8Array([0xff, 0xff]), 1)).toBe(null);
  expect(stampSeen(new Uint8Array(), 1)).toBe(null);
});
