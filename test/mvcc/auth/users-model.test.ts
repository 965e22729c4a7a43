/** Users, roles, tokens and what they permit, against the naive way to do all of it. */
import { create } from "@bufbuild/protobuf";
import fc from "fast-check";
import { expect, test } from "vitest";
import { type Command, CommandSchema } from "../../../src/wire/gen/edged_pb.ts";
import type { RequestOp } from "../../../src/wire/gen/etcd/rpc_pb.ts";
import { NaiveUsers } from "../../sim/auth/naive-users.ts";
import { bytes, deleteOf, putOf, Store, txnOf } from "../harness.ts";
import * as make from "./commands.ts";

const names = fc.constantFrom("root", "u1", "u2");
const roles = fc.constantFrom("root", "r1", "r2");
const keys = fc.constantFrom("a", "b", "c", "c\0");
const ends = fc.constantFrom("", "b", "c", "d", "\0");
const kinds = fc.constantFrom("READ", "WRITE", "READWRITE");
const hashes = fc.constantFrom("h0", "h1");

const spans = fc.tuple(keys, ends).filter(([key, end]) => end === "" || end === "\0" || key < end);

const changes: fc.Arbitrary<Command> = fc.oneof(
  fc.tuple(names, hashes).map(([name, hash]) => make.addUser(name, hash)),
  fc.tuple(names, hashes).map(([name, hash]) => make.changePassword(name, hash)),
  names.map(make.deleteUser),
  roles.map(make.addRole),
  roles.map(make.deleteRole),
  fc.tuple(names, roles).map(([name, role]) => make.grantRole(name, role)),
  fc.tuple(names, roles).map(([name, role]) => make.revokeRole(name, role)),
  fc.tuple(roles, kinds, spans).map(([role, kind, [key, end]]) => make.permit(role, kind, key, end)),
  fc.tuple(kinds, spans).map(([kind, [key, end]]) => make.permit("r1", kind, key, end)),
  fc.tuple(fc.constantFrom("READ", "WRITE"), keys).map(([kind, key]) => make.permit("r1", kind, key)),
  fc.tuple(roles, spans).map(([role, [key, end]]) => make.forbid(role, key, end)),
  fc
    .tuple(names, hashes, fc.nat(3))
    .map(([name, hash, n]) => make.signIn(name, `${name}${n}`, 10 ** 12, hash)),
  hashes.map((hash) => make.signIn("u1", "u10", 10 ** 12, hash)),
  hashes.map((hash) => make.changePassword("u1", hash)),
  fc.constant(make.enable()),
  fc.constant(make.disable()),
);

const operations: fc.Arbitrary<RequestOp["request"]> = fc.oneof(
  fc.tuple(keys, fc.boolean()).map(([key, prevKv]) => request("requestPut", { key: bytes(key), prevKv })),
  fc
    .tuple(spans, fc.boolean())
    .map(([[key, end], prevKv]) =>
      request("requestDeleteRange", { key: bytes(key), rangeEnd: bytes(end), prevKv }),
    ),
  spans.map(([key, end]) => request("requestRange", { key: bytes(key), rangeEnd: bytes(end) })),
);

const writes: fc.Arbitrary<Command> = fc.oneof(
  fc.tuple(keys, fc.boolean()).map(([key, prevKv]) => putOf({ key: bytes(key), prevKv })),
  fc
    .tuple(spans, fc.boolean())
    .map(([[key, end], prevKv]) => deleteOf({ key: bytes(key), rangeEnd: bytes(end), prevKv })),
  fc.tuple(operations, operations, keys).map(([success, below, key]) =>
    txnOf({
      compare: [{ key: bytes(key) }],
      success: [{ request: success }],
      failure: [{ request: request("requestTxn", { failure: [{ request: below }] }) }],
    }),
  ),
);

interface Step {
  readonly given: Command;
  readonly user: string;
  /** Signed by users and roles as they were before the last change. */
  readonly isOld: boolean;
  readonly restarts: boolean;
}

function step(given: fc.Arbitrary<Command>, user: fc.Arbitrary<string>): fc.Arbitrary<Step> {
  const rarely = fc.nat(9).map((n) => n === 0);
  return fc.record({ given, user, isOld: rarely, restarts: rarely });
}

/** Changes are mostly root's, writes are everybody's. */
const steps = fc.oneof(
  step(changes, fc.constantFrom("root", "root", "root", "root", "root", "u1", "")),
  step(writes, fc.constantFrom("", "root", "u1", "u1", "u2")),
);

/** Users and roles to begin with, so that there is something to be permitted. */
const BEGIN = [
  make.addUser("root", "h0"),
  make.addUser("u1", "h0"),
  make.addRole("r1"),
  make.grantRole("root", "root"),
  make.grantRole("u1", "r1"),
  make.permit("r1", "READ", "a", "c"),
  make.enable(),
];

test("every command is decided as the naive way decides it, also after a restart", () => {
  fc.assert(
    fc.property(fc.array(steps, { maxLength: 80 }), (history) => {
      const store = new Store();
      let naive = new NaiveUsers();
      const run = (given: Command): void => {
        const refusal = naive.refusal(given.request, given.user, Number(given.authRevision), () => []);
        const isWrite = ["put", "deleteRange", "txn"].includes(given.request.case ?? "");
        const after = refusal === null && !isWrite ? naive.after(given.request) : null;
        const expected = refusal ?? after?.error ?? "applied";
        const told = make.told(store, given);
        // What else may be wrong with a transaction of random operations is not of interest here.
        if (isWrite && refusal === null) expect(["applied", "duplicateKey"]).toContain(told);
        else if (told !== "duplicateKey") expect(told).toBe(expected);
        naive = after?.users ?? naive;
      };
      for (const given of BEGIN) run(given);
      for (const { given, user, isOld, restarts } of history) {
        if (restarts) store.reload();
        const authRevision = BigInt(naive.revision - (isOld ? 1 : 0));
        run(create(CommandSchema, { ...given, user, authRevision }));
        expect(store.machine.auth.revision).toBe(BigInt(naive.revision));
        expect(store.machine.auth.isEnabled).toBe(naive.enabled);
        for (const name of ["root", "u1", "u2"]) {
          const roles = store.machine.auth.records.users.get(name)?.roles;
          expect(roles).toEqual(naive.users.get(name)?.roles.toSorted());
          for (const token of [0, 1, 2, 3].map((n) => `${name}${n}`)) {
            expect(store.machine.auth.token(token)?.user).toBe(naive.tokens.get(token));
          }
        }
      }
    }),
    { numRuns: 500 },
  );
});

function request(kind: string, value: unknown): RequestOp["request"] {
  // The kinds and values above fit together.
  return { case: kind, value } as RequestOp["request"];
}
