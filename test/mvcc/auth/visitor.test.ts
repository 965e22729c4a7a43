/** Every kind of request, and what is told to whom. A new kind is decided here too, or this fails. */
import { create, type DescMessage } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import type { Need } from "../../../src/mvcc/auth/need.ts";
import { needsOfCommand, needsOfQuery } from "../../../src/mvcc/auth/visitor.ts";
import { CommandSchema, QuerySchema } from "../../../src/wire/gen/edged_pb.ts";
import { Store } from "../harness.ts";
import { guard } from "./commands.ts";

/** Who is let through: nobody in particular, a user without any role, one with the role root. */
type Verdict = readonly [anonymous: string, user: string, root: string];

const ANYBODY: Verdict = ["ok", "ok", "ok"];
const USERS: Verdict = ["userEmpty", "ok", "ok"];
const PERMITTED: Verdict = ["userEmpty", "permissionDenied", "ok"];
const NOBODY: Verdict = ["userEmpty", "permissionDenied", "permissionDenied"];

/** With the fields as they are when nothing is said: an empty transaction needs nothing. */
const COMMANDS: Readonly<Record<string, Verdict>> = {
  put: PERMITTED,
  deleteRange: PERMITTED,
  txn: ANYBODY,
  compaction: PERMITTED,
  leaseGrant: USERS,
  // Of a lease without keys.
  leaseRevoke: USERS,
  leaseCheckpoints: NOBODY,
  leaseExpiry: NOBODY,
  // Its request is to list them.
  alarm: USERS,
  memberAdd: PERMITTED,
  memberRemove: PERMITTED,
  memberUpdate: PERMITTED,
  memberPromote: PERMITTED,
  memberStarted: NOBODY,
  restore: PERMITTED,
  authEnable: PERMITTED,
  authDisable: PERMITTED,
  authenticate: ANYBODY,
  userAdd: PERMITTED,
  userDelete: PERMITTED,
  userChangePassword: PERMITTED,
  userGrantRole: PERMITTED,
  userRevokeRole: PERMITTED,
  roleAdd: PERMITTED,
  roleDelete: PERMITTED,
  roleGrantPermission: PERMITTED,
  roleRevokePermission: PERMITTED,
};

const QUERIES: Readonly<Record<string, Verdict>> = {
  leaseTimeToLive: USERS,
  leaseLeases: USERS,
  leaseKeepAlive: USERS,
  memberList: USERS,
  alarmList: USERS,
  status: USERS,
  hash: PERMITTED,
  hashKv: PERMITTED,
  hashSlice: PERMITTED,
  backup: PERMITTED,
  moveLeader: PERMITTED,
  authStatus: ANYBODY,
  userGet: PERMITTED,
  userList: PERMITTED,
  roleGet: PERMITTED,
  roleList: PERMITTED,
  // The gateway asks, for somebody who is signing in.
  password: ANYBODY,
};

function cases(schema: DescMessage): readonly string[] {
  return schema.oneofs.flatMap(({ fields }) => fields.map(({ localName }) => localName));
}

function verdict(needs: () => Iterable<Need>): Verdict {
  const store = new Store();
  guard(store);
  const { auth } = store.machine;
  const judge = (user: string) =>
    auth.refusal(needs(), { kind: "client", user, authRevision: auth.revision }) ?? "ok";
  // The only user without any permission on the empty key.
  return [judge(""), judge("u"), judge("root")];
}

describe("commands", () => {
  test("are all decided", () => {
    expect(cases(CommandSchema).toSorted()).toEqual(Object.keys(COMMANDS).toSorted());
  });

  test.each(Object.entries(COMMANDS))("%s", (kind, expected) => {
    const command = create(CommandSchema);
    command.request = requestOf(kind) as typeof command.request;
    expect(verdict(() => needsOfCommand(command))).toEqual(expected);
  });

  test("one that says nothing is nobody's", () => {
    expect(verdict(() => needsOfCommand(create(CommandSchema)))).toEqual(NOBODY);
  });
});

describe("queries", () => {
  test("are all decided", () => {
    expect(cases(QuerySchema).toSorted()).toEqual(Object.keys(QUERIES).toSorted());
  });

  test.each(Object.entries(QUERIES))("%s", (kind, expected) => {
    const query = create(QuerySchema);
    query.request = requestOf(kind) as typeof query.request;
    expect(verdict(() => needsOfQuery(query))).toEqual(expected);
  });
});

/** A request of a kind, of which nothing is said. */
function requestOf(kind: string): unknown {
  for (const schema of [CommandSchema, QuerySchema]) {
    const field = schema.fields.find(({ localName }) => localName === kind);
    if (field?.fieldKind === "message") return { case: kind, value: create(field.message) };
    if (field !== undefined) return { case: kind, value: 0n };
  }
  throw new Error(`no request is of kind ${kind}`);
}
