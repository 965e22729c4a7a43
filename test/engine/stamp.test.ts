import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { expect, it } from "vitest";
import { readCommand, stampActor, stampSeen } from "../../src/engine/stamp.ts";
import { CommandSchema } from "../../src/wire/gen/edged_pb.ts";
import { PutRequestSchema } from "../../src/wire/gen/etcd/rpc_pb.ts";

const command = (seen: bigint) =>
  create(CommandSchema, {
    opId: new Uint8Array(16).fill(7),
    seen,
    request: { case: "put", value: create(PutRequestSchema, { key: new Uint8Array([1]) }) },
  });

it("fills in how fresh an operation id is where the gateway could not", () => {
  const stamped = stampSeen(toBinary(CommandSchema, command(0n)), command(0n), 300);
  expect(fromBinary(CommandSchema, stamped)).toEqual(command(300n));
});

it("keeps what the gateway knew", () => {
  const bytes = toBinary(CommandSchema, command(5n));
  expect(stampSeen(bytes, command(5n), 300)).toEqual(bytes);
});

it("lets nothing unreadable through to the log", () => {
  expect(readCommand(new Uint8Array([0xff, 0xff]))).toBe(null);
  expect(readCommand(new Uint8Array())).toBe(null);
  expect(readCommand(toBinary(CommandSchema, command(0n)))).toEqual(command(0n));
});

it("says who gives a command, whatever the command says itself", () => {
  const claimed = create(CommandSchema, { ...command(5n), user: "root", authRevision: 9n, internal: true });
  const stamped = stampActor(toBinary(CommandSchema, claimed), claimed, {
    kind: "client",
    user: "",
    authRevision: 3n,
  });
  const { user, authRevision, internal } = fromBinary(CommandSchema, stamped);
  expect({ user, authRevision, internal }).toEqual({ user: "", authRevision: 3n, internal: false });
});

it("signs for a user by the revision at which it was found", () => {
  const bytes = toBinary(CommandSchema, command(5n));
  const stamped = stampActor(bytes, command(5n), { kind: "client", user: "u", authRevision: 3n });
  expect(fromBinary(CommandSchema, stamped)).toEqual(
    create(CommandSchema, { ...command(5n), user: "u", authRevision: 3n }),
  );
});

it("leaves a command alone that nobody gives and that claims nothing", () => {
  const bytes = toBinary(CommandSchema, command(5n));
  expect(stampActor(bytes, command(5n), { kind: "client", user: "", authRevision: 3n })).toBe(bytes);
});
