import { create } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { LIMITS } from "../../../src/base/limits.ts";
import { CommandSchema } from "../../../src/wire/gen/edged_pb.ts";
import { Permission_Type } from "../../../src/wire/gen/etcd/auth_pb.ts";
import { bytes, operationId, putOf, Store } from "../harness.ts";
import {
  addRole,
  addUser,
  changePassword,
  command,
  deleteRole,
  deleteUser,
  disable,
  enable,
  forbid,
  grantRole,
  guard,
  permit,
  revokeRole,
  signed,
  signIn,
  told,
} from "./commands.ts";

const put = (key: string) => putOf({ key: bytes(key), value: bytes("1") });

function all(store: Store, ...commands: Parameters<typeof told>[1][]): string[] {
  return commands.map((given) => told(store, given));
}

describe("users and roles", () => {
  test("are refused with etcd's reasons", () => {
    const store = new Store();
    expect(all(store, addUser("b"), addUser("b"), addUser(""))).toEqual([
      "applied",
      "userExists",
      "userEmpty",
    ]);
    expect(all(store, addRole("r"), addRole("r"), addRole(""))).toEqual([
      "applied",
      "roleExists",
      "roleEmpty",
    ]);
    expect(all(store, grantRole("x", "r"), grantRole("b", "x"))).toEqual(["userNotFound", "roleNotFound"]);
    expect(all(store, revokeRole("x", "r"), revokeRole("b", "r"))).toEqual([
      "userNotFound",
      "roleNotGranted",
    ]);
    expect(all(store, deleteUser("x"), deleteRole("x"), changePassword("x", "h"))).toEqual([
      "userNotFound",
      "roleNotFound",
      "userNotFound",
    ]);
    expect(all(store, permit("x", "READ", "k"), forbid("x", "k"), forbid("r", "k"))).toEqual([
      "roleNotFound",
      "roleNotFound",
      "permissionNotGranted",
    ]);
    const noPermission = command({ case: "roleGrantPermission", value: { name: "r" } });
    expect(told(store, noPermission)).toBe("permissionNotGiven");
  });

  test("use no revision of keys", () => {
    const store = new Store();
    guard(store);
    const { revision } = store.machine.state();
    told(store, signed(store, "root", addUser("new")));
    expect(store.machine.state().revision).toBe(revision);
  });

  test("a role that is deleted is taken from everybody", () => {
    const store = new Store();
    all(store, addUser("u"), addUser("v"), addRole("r"), addRole("s"), grantRole("u", "s"));
    all(store, grantRole("u", "r"), grantRole("v", "r"), deleteRole("r"));
    expect(store.machine.auth.records.users.get("u")?.roles).toEqual(["s"]);
    expect(store.machine.auth.records.users.get("v")?.roles).toEqual([]);
  });

  test("roles of a user and users are sorted by their bytes", () => {
    const store = new Store();
    const names = ["b", "\u{10000}", "\uffff", "a"];
    all(store, addUser("u"), ...names.map(addRole), ...names.map((name) => grantRole("u", name)));
    expect(store.machine.auth.records.users.get("u")?.roles).toEqual(["a", "b", "\uffff", "\u{10000}"]);
  });

  test("permissions are sorted by key; on the same key and end the newer one counts", () => {
    const store = new Store();
    all(
      store,
      addRole("r"),
      permit("r", "READ", "k"),
      permit("r", "READ", "a"),
      permit("r", "READ", "k", "l"),
    );
    told(store, permit("r", "WRITE", "k", "l"));
    const perms = store.machine.auth.records.roles.get("r")?.keyPermission ?? [];
    const shown = perms.map(({ key, rangeEnd, permType }) => [
      new TextDecoder().decode(key),
      new TextDecoder().decode(rangeEnd),
      permType,
    ]);
    expect(shown).toEqual([
      ["a", "", Permission_Type.READ],
      ["k", "", Permission_Type.READ],
      ["k", "l", Permission_Type.WRITE],
    ]);
  });

  test("a role that would not fit a row is refused and stays as it was", () => {
    const store = new Store();
    told(store, addRole("r"));
    const long = "k".repeat(100_000);
    const outcomes = [0, 1, 2, 3, 4, 5, 6].map((n) => told(store, permit("r", "READ", `${n}${long}`)));
    expect(outcomes).toContain("requestTooLarge");
    expect(store.machine.auth.records.roles.get("r")?.keyPermission.length).toBe(
      outcomes.filter((outcome) => outcome === "applied").length,
    );
  });
});

describe("asking for users", () => {
  test("needs root with its role, and keeps both", () => {
    const store = new Store();
    expect(all(store, enable(), addUser("root"), enable())).toEqual([
      "rootUserMissing",
      "applied",
      "rootRoleMissing",
    ]);
    expect(all(store, grantRole("root", "root"), enable(), enable())).toEqual([
      "applied",
      "applied",
      "userEmpty",
    ]);
    const byRoot = (given: ReturnType<typeof enable>) => told(store, signed(store, "root", given));
    expect(byRoot(deleteUser("root"))).toBe("invalidAuthManagement");
    expect(byRoot(deleteRole("root"))).toBe("invalidAuthManagement");
    expect(byRoot(revokeRole("root", "root"))).toBe("invalidAuthManagement");
    expect(byRoot(enable())).toBe("applied");
    expect(byRoot(disable())).toBe("applied");
    expect(all(store, deleteUser("root"), disable())).toEqual(["applied", "applied"]);
  });

  test("counts changes, and refuses what was signed before the last one", () => {
    const store = new Store();
    guard(store);
    const early = signed(store, "u", put("a"));
    told(store, signed(store, "root", revokeRole("u", "r")));
    expect(told(store, early)).toBe("authOldRevision");
    expect(told(store, signed(store, "u", put("a")))).toBe("permissionDenied");
    told(store, signed(store, "root", grantRole("u", "r")));
    expect(told(store, signed(store, "u", put("a")))).toBe("applied");
  });

  test("a role given twice changes nothing, so that nothing becomes old", () => {
    const store = new Store();
    guard(store);
    const early = signed(store, "u", put("a"));
    told(store, signed(store, "root", grantRole("u", "r")));
    expect(told(store, early)).toBe("applied");
  });

  test("a deleted user may nothing, not even under its old revision", () => {
    const store = new Store();
    guard(store);
    told(store, signed(store, "root", deleteUser("u")));
    expect(told(store, signed(store, "u", put("a")))).toBe("permissionDenied");
  });

  test("the group's own commands are let through, and nobody else's that are called so by a client's bytes", () => {
    const store = new Store();
    guard(store);
    const own = create(CommandSchema, { ...put("z"), internal: true });
    expect(told(store, own)).toBe("applied");
    expect(told(store, put("z"))).toBe("userEmpty");
  });
});

describe("tokens", () => {
  test("are granted for the password that is the user's now", () => {
    const store = new Store();
    expect(told(store, signIn("u", "t"))).toBe("authNotEnabled");
    guard(store);
    expect(told(store, signIn("u", "t"))).toBe("applied");
    expect(store.machine.auth.token("t")).toEqual({ user: "u", expiresAtMs: 1_000_000 });
    expect(told(store, signIn("u", "t2", 1, "hash of before"))).toBe("authFailed");
    expect(told(store, signIn("nobody", "t3"))).toBe("authFailed");
    expect(store.machine.auth.token("t2")).toBe(null);
  });

  test("of a user without password are never granted", () => {
    const store = new Store();
    guard(store);
    const value = { name: "n", options: { noPassword: true } };
    told(store, signed(store, "root", command({ case: "userAdd", value })));
    expect(told(store, signIn("n", "t", 1_000, ""))).toBe("authFailed");
    told(store, signed(store, "root", changePassword("n", "h")));
    expect(told(store, signIn("n", "t", 1_000, "h"))).toBe("authFailed");
  });

  test.each([
    ["the password is changed", changePassword("u", "other")],
    ["the user is deleted", deleteUser("u")],
    ["nobody is asked for a user any more", disable()],
  ])("end when %s, others' only then", (_when, given) => {
    const store = new Store();
    guard(store);
    told(store, signIn("u", "t"));
    told(store, signIn("root", "r"));
    told(store, signed(store, "root", given));
    store.reload();
    expect(store.machine.auth.token("t")).toBe(null);
    expect(store.machine.auth.token("r") === null).toBe(!store.machine.auth.isEnabled);
  });

  test("are prolonged by the group only while they are valid, and never shortened", () => {
    const store = new Store();
    guard(store);
    told(store, signIn("u", "t", 1_000));
    const prolong = (token: string, expiresAtMs: number) =>
      told(store, create(CommandSchema, { ...signIn("u", token, expiresAtMs, ""), internal: true }));
    expect(prolong("t", 2_000)).toBe("applied");
    expect(store.machine.auth.token("t")?.expiresAtMs).toBe(2_000);
    prolong("t", 500);
    expect(store.machine.auth.token("t")?.expiresAtMs).toBe(2_000);
    expect(prolong("unknown", 2_000)).toBe("invalidAuthToken");
    told(store, signed(store, "root", changePassword("u", "other")));
    expect(prolong("t", 3_000)).toBe("invalidAuthToken");
    expect(store.machine.auth.token("t")).toBe(null);
  });

  test("are bounded for each user: the oldest goes, nobody else's", () => {
    const store = new Store();
    guard(store);
    told(store, signIn("root", "r", 1));
    const many = Array.from({ length: LIMITS.tokensPerUserMax + 3 }, (_, n) =>
      signIn("u", `t${n}`, 1_000 + n),
    );
    for (const given of many) told(store, given);
    store.reload();
    expect([0, 1, 2, 3].map((n) => store.machine.auth.token(`t${n}`) !== null)).toEqual([
      false,
      false,
      false,
      true,
    ]);
    expect(store.machine.auth.token("r")).not.toBe(null);
  });

  test("that expired long before another was granted are deleted then", () => {
    const store = new Store();
    guard(store);
    told(store, signIn("u", "old", 1_000));
    told(store, signIn("u", "new", 1_000 + 3 * LIMITS.tokenTtlMs));
    expect(store.machine.auth.token("old")).toBe(null);
  });
});

describe("remembered operations", () => {
  test("another user who names the same operation is not told its answer", () => {
    const store = new Store();
    guard(store);
    const id = operationId(7, 0);
    const own = putOf({ key: bytes("z"), value: bytes("1"), prevKv: true }, id);
    expect(store.do(signed(store, "root", own))).toMatchObject({ prevKv: { value: bytes("0") } });
    expect(store.do(signed(store, "root", own))).toMatchObject({ prevKv: { value: bytes("0") } });
    expect(told(store, signed(store, "u", own))).toBe("permissionDenied");
    expect(told(store, own)).toBe("userEmpty");
  });

  test("a command that somebody could not give is no operation: given again with more rights it runs", () => {
    const store = new Store();
    guard(store);
    const id = operationId(9, 0);
    const early = signed(store, "u", putOf({ key: bytes("a") }, id));
    told(store, signed(store, "root", addUser("new")));
    expect(told(store, early)).toBe("authOldRevision");
    expect(told(store, signed(store, "u", putOf({ key: bytes("a") }, id)))).toBe("applied");
  });
});

test("everything is there again after a restart", () => {
  const store = new Store();
  guard(store);
  told(store, signIn("u", "t"));
  const before = store.machine.hash();
  store.reload();
  expect(store.machine.hash()).toBe(before);
  expect(store.machine.auth.isEnabled).toBe(true);
  expect(store.machine.auth.token("t")?.user).toBe("u");
  expect(told(store, signed(store, "u", put("z")))).toBe("permissionDenied");
});
