import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { expect, it } from "vitest";
import { stampActor, stampSeen } from "../../src/engine/stamp.ts";
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

it("says who gives a command, whatever the command says itself", () => {
  const claimed = create(CommandSchema, { ...command(5n), user: "root", authRevision: 9n, internal: true });
  const stamped = stampActor(toBinary(CommandSchema, claimed), {
    kind: "client",
    user: "",
    authRevision: 3n,
  });
  const { user, authRevision, internal } = fromBinary(CommandSchema, stamped);
  expect({ user, authRevision, internal }).toEqual({ user: "", authRevision: 3n, internal: false });
});

it("signs for a user by the revision at which it was found", () => {
  const bytes = toBinary(CommandSchema, command(5n));
  const stamped = stampActor(bytes, { kind: "client", user: "u", authRevision: 3n });
  expect(fromBinary(CommandSchema, stamped)).toEqual(
    create(CommandSchema, { ...command(5n), user: "u", authRevision: 3n }),
  );
});

it("leaves a command alone that nobody gives and that claims nothing", () => {
  const bytes = toBinary(CommandSchema, command(5n));
  expect(stampActor(bytes, { kind: "client", user: "", authRevision: 3n })).toBe(bytes);
});
