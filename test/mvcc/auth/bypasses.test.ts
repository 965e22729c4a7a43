/**
 * Ways around permissions that were found in etcd and published, each closed here: nested transactions
 * (CVE-2026-33343), services that asked nobody (CVE-2026-33413), watches of open ranges
 * (GHSA-xg4h-6gfc-h4m8), keys shown by a lease (CVE-2023-32082), previous values and leases of puts
 * inside transactions (etcd #21682), and replicas that kept permissions of before a snapshot (#14571).
 */
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { needsOfQuery, needsOfWatch } from "../../../src/mvcc/auth/visitor.ts";
import { QuerySchema } from "../../../src/wire/gen/edged_pb.ts";
import type { RequestOpSchema, TxnRequestSchema } from "../../../src/wire/gen/etcd/rpc_pb.ts";
import { bytes, putOf, Store, txnOf } from "../harness.ts";
import { command, grantRole, guard, permit, signed, told } from "./commands.ts";

type Txn = MessageInitShape<typeof TxnRequestSchema>;
type Op = MessageInitShape<typeof RequestOpSchema>;

const get = (key: string, rangeEnd = ""): Op => ({
  request: { case: "requestRange", value: { key: bytes(key), rangeEnd: bytes(rangeEnd) } },
});
const put = (key: string, more: { prevKv?: boolean; lease?: bigint } = {}): Op => ({
  request: { case: "requestPut", value: { key: bytes(key), ...more } },
});
const del = (key: string, prevKv = false): Op => ({
  request: { case: "requestDeleteRange", value: { key: bytes(key), prevKv } },
});
const nested = (txn: Txn): Op => ({ request: { case: "requestTxn", value: txn } });
const on = (key: string, rangeEnd = "") => ({ key: bytes(key), rangeEnd: bytes(rangeEnd) });

function guarded(): Store {
  const store = new Store();
  guard(store);
  return store;
}

function outcome(store: Store, user: string, txn: Txn): string {
  return told(store, signed(store, user, txnOf(txn)));
}

describe("a transaction is refused for", () => {
  test.each<[string, Txn]>([
    ["a put", { success: [put("z")] }],
    ["a put in the branch that is not taken", { failure: [put("z")] }],
    ["a read", { success: [put("a"), get("z")] }],
    ["a read of an open range", { success: [put("a"), get("a", "\0")] }],
    ["a deletion", { success: [del("z")] }],
    ["a compare", { compare: [on("z")], success: [put("a")] }],
    ["a compare over a range", { compare: [on("a", "z")], success: [put("a")] }],
    ["a compare over an open range", { compare: [on("a", "\0")], success: [put("a")] }],
    ["the previous value of a put", { success: [put("writeonly", { prevKv: true })] }],
    ["the previous values of a deletion", { success: [del("writeonly", true)] }],
    ["a put two levels below", { success: [nested({ success: [nested({ success: [put("z")] })] })] }],
    [
      "a read two levels below",
      { success: [put("a"), nested({ failure: [nested({ failure: [get("z")] })] })] },
    ],
    ["a compare below", { success: [nested({ compare: [on("z")], success: [put("a")] })] }],
    ["a previous value below", { success: [nested({ success: [put("writeonly", { prevKv: true })] })] }],
    ["a deletion below", { failure: [nested({ success: [del("z")] })] }],
  ])("%s", (_what, txn) => {
    const store = guarded();
    const before = store.machine.state().revision;
    expect(outcome(store, "u", txn)).toBe("permissionDenied");
    expect(outcome(store, "", txn)).toBe("userEmpty");
    expect(store.machine.state().revision).toBe(before);
    expect(outcome(store, "root", txn)).toBe("applied");
  });

  test("nothing that is permitted", () => {
    const txn: Txn = {
      compare: [on("a", "c"), on("readonly")],
      success: [
        put("a", { prevKv: true }),
        get("readonly"),
        del("writeonly"),
        nested({ failure: [get("b")] }),
      ],
      failure: [put("writeonly")],
    };
    expect(outcome(guarded(), "u", txn)).toBe("applied");
  });
});

describe("leases", () => {
  const grant = command({ case: "leaseGrant", value: { ID: 5n, TTL: 600n } });
  const revoke = command({ case: "leaseRevoke", value: { ID: 5n } });

  function withLease(key: string): Store {
    const store = guarded();
    told(store, signed(store, "root", grant));
    told(store, signed(store, "root", putOf({ key: bytes(key), lease: 5n })));
    return store;
  }

  test("nobody in particular gets, ends or renews one", () => {
    const store = guarded();
    expect(told(store, grant)).toBe("userEmpty");
    expect(told(store, revoke)).toBe("userEmpty");
    expect(told(store, signed(store, "u", grant))).toBe("applied");
  });

  test.each(["z", "readonly"])("with a key like %s is not ended by who may not write the key", (key) => {
    const store = withLease(key);
    expect(told(store, signed(store, "u", revoke))).toBe("permissionDenied");
    expect(told(store, signed(store, "root", revoke))).toBe("applied");
  });

  test("nor are further keys bound to it, inside of a transaction or out", () => {
    const store = withLease("z");
    expect(told(store, signed(store, "u", putOf({ key: bytes("a"), lease: 5n })))).toBe("permissionDenied");
    expect(outcome(store, "u", { success: [put("a", { lease: 5n })] })).toBe("permissionDenied");
    expect(outcome(store, "u", { success: [nested({ success: [put("a", { lease: 5n })] })] })).toBe(
      "permissionDenied",
    );
  });

  test("one with permitted keys only is like one's own, wherever other leases' keys lie", () => {
    const store = withLease("a");
    told(store, signed(store, "root", command({ case: "leaseGrant", value: { ID: 4n, TTL: 600n } })));
    told(store, signed(store, "root", command({ case: "leaseGrant", value: { ID: 6n, TTL: 600n } })));
    told(store, signed(store, "root", putOf({ key: bytes("z"), lease: 4n })));
    told(store, signed(store, "root", putOf({ key: bytes("0"), lease: 6n })));
    expect(told(store, signed(store, "u", putOf({ key: bytes("b"), lease: 5n })))).toBe("applied");
    expect(told(store, signed(store, "u", revoke))).toBe("applied");
  });

  test("keys are shown to who may read them all, times to every user", () => {
    const store = withLease("z");
    const asked = (keys: boolean) =>
      create(QuerySchema, { request: { case: "leaseTimeToLive", value: { ID: 5n, keys } } });
    const judged = (user: string, keys: boolean) =>
      store.machine.auth.refusal(needsOfQuery(asked(keys)), {
        kind: "client",
        user,
        authRevision: store.machine.auth.revision,
      });
    expect([judged("", false), judged("", true)]).toEqual(["userEmpty", "userEmpty"]);
    expect([judged("u", false), judged("u", true)]).toEqual([null, "permissionDenied"]);
    expect(judged("root", true)).toBe(null);
  });
});

describe("services that etcd left open", () => {
  test.each(["compaction", "alarm", "memberAdd", "memberRemove", "restore"] as const)(
    "%s is root's",
    (kind) => {
      const store = guarded();
      const value = kind === "alarm" ? { action: 1, alarm: 1 } : {};
      // What is wrong with it otherwise does not matter to who may not ask.
      const given = command({ case: kind, value } as Parameters<typeof command>[0]);
      const { auth } = store.machine;
      expect(auth.commandRefusal(given)).toBe("userEmpty");
      expect(auth.commandRefusal(signed(store, "u", given))).toBe("permissionDenied");
      expect(auth.commandRefusal(signed(store, "root", given))).toBe(null);
    },
  );

  test("an alarm does not switch permissions off", () => {
    const store = guarded();
    const full = command({ case: "alarm", value: { action: 1, alarm: 1 } });
    expect(told(store, signed(store, "root", full))).toBe("applied");
    expect(told(store, command({ case: "deleteRange", value: { key: bytes("z") } }))).toBe("userEmpty");
    expect(told(store, command({ case: "userAdd", value: { name: "x" } }))).toBe("userEmpty");
  });
});

test.each([
  ["the key", "z", ""],
  ["a range beyond the permitted one", "a", "d"],
  ["everything from a permitted key on", "a", "\0"],
  ["every key", "\0", "\0"],
  ["every key, said with an empty one", "", "\0"],
])("a watch of %s is refused", (_what, key, rangeEnd) => {
  const store = guarded();
  const { auth } = store.machine;
  const judged = (user: string) =>
    auth.refusal(needsOfWatch(bytes(key), bytes(rangeEnd)), {
      kind: "client",
      user,
      authRevision: auth.revision,
    });
  expect([judged(""), judged("u"), judged("root")]).toEqual(["userEmpty", "permissionDenied", null]);
  told(store, signed(store, "root", permit("r", "READ", "\0", "\0")));
  expect(auth.refusal(needsOfWatch(bytes(key), bytes(rangeEnd)), actor(store, "u"))).toBe(null);
});

test("permissions kept in memory are those of the present users and roles, also after another store took the place", () => {
  const store = guarded();
  expect(told(store, signed(store, "u", putOf({ key: bytes("z") })))).toBe("permissionDenied");
  told(store, signed(store, "root", permit("r", "WRITE", "z")));
  expect(told(store, signed(store, "u", putOf({ key: bytes("z") })))).toBe("applied");
  store.reload();
  told(
    store,
    signed(store, "root", command({ case: "roleRevokePermission", value: { role: "r", key: bytes("z") } })),
  );
  expect(told(store, signed(store, "u", putOf({ key: bytes("z") })))).toBe("permissionDenied");
  told(store, signed(store, "root", grantRole("u", "root")));
  expect(told(store, signed(store, "u", putOf({ key: bytes("z") })))).toBe("applied");
});

function actor(store: Store, user: string) {
  return { kind: "client", user, authRevision: store.machine.auth.revision } as const;
}
