/** What clients of runs with users are told: who may do what, at the place in the log where it was decided. */
import type { Rejected } from "../../../src/engine/replica-api.ts";
import { violated } from "../../raft/invariants/violation.ts";
import type { Execution, Model, Moment } from "../oracle/model.ts";
import type { OperationRecord } from "../oracle/operation-record.ts";
import type { NaiveUsers } from "./naive-users.ts";

const REFUSALS: ReadonlySet<string> = new Set([
  "userEmpty",
  "permissionDenied",
  "authOldRevision",
  "invalidAuthToken",
]);

/** True if a refusal is one of whoever asked. */
export function isOfUsers({ error }: Pick<Rejected, "error">): boolean {
  return REFUSALS.has(error);
}

/** A write in the log is signed for whom its token was granted to, and for nobody without one. */
export function checkSignature(model: Model, record: OperationRecord, run: Execution): void {
  const owner = record.token === null ? "" : model.tokenOwners.get(record.token);
  if (run.user === owner) return;
  violated(
    "signed-for-its-user",
    `operation ${record.number} of ${owner ?? "an unknown token"} is signed for "${run.user}"`,
  );
}

/**
 * A refusal that is not in the log was true at some moment between the call and the answer. Whoever's
 * token has ended, or whose clock is off, is refused as unknown.
 */
export function checkRefusal(model: Model, record: OperationRecord, { error, header }: Rejected): void {
  if (error === "invalidAuthToken" || error === "authOldRevision") return;
  if (wasSo(model, record, header.sequence, (moment) => judgementOf(model, record, moment) === error)) return;
  violated("users-answers", `operation ${record.number} was refused as ${error}, which was never so`);
}

/** Whoever was answered, up to what the log was then, might ask that at some moment of it. */
export function checkAsker(model: Model, record: OperationRecord, sequence: number): void {
  if (wasSo(model, record, sequence, (moment) => isAllowed(model, record, moment))) return;
  violated("users-answers", `operation ${record.number} of ${record.client} was answered without permission`);
}

/** Whether something held at a moment between the call and the answer. */
function wasSo(
  model: Model,
  { floor }: OperationRecord,
  sequence: number,
  holds: (moment: Moment) => boolean,
): boolean {
  let before: Moment | null = null;
  for (let at = Math.min(floor, sequence); at <= sequence; at += 1) {
    const moment = model.bySequence[at];
    if (moment === undefined) continue;
    if (moment.users === before?.users && moment.revision === before.revision) continue;
    before = moment;
    if (holds(moment)) return true;
  }
  return false;
}

/** With what the operation is refused by the users of a moment, if its token is known then. */
function judgementOf(model: Model, record: OperationRecord, { users, revision }: Moment): string | null {
  const user = userOf(users, record);
  if (user === null || !users.enabled) return null;
  if (user === "") return "userEmpty";
  const keysOf = (lease: bigint): readonly string[] => model.store.keysOf(lease, revision);
  const may = (): boolean => {
    const { planned } = record;
    switch (planned.kind) {
      case "write":
        return users.mayDo(planned.request, user, keysOf);
      case "read":
        return users.mayRead(planned.request, user);
      default:
        return users.mayAsk(planned, user, keysOf);
    }
  };
  return may() ? null : "permissionDenied";
}

function isAllowed(model: Model, record: OperationRecord, moment: Moment): boolean {
  return userOf(moment.users, record) !== null && judgementOf(model, record, moment) === null;
}

/** Whoever was answered might read that, by the state that was answered from. */
export function checkReader(record: OperationRecord, { users }: Moment): void {
  const { planned } = record;
  if (!users.enabled || planned.kind !== "read") return;
  const user = userOf(users, record);
  if (user !== null && user !== "" && users.mayRead(planned.request, user)) return;
  violated("users-answers", `operation ${record.number} of "${user}" was answered without permission`);
}

/** Null for a token that is not valid then. */
export function userOf(users: NaiveUsers, { token }: Pick<OperationRecord, "token">): string | null {
  return token === null ? "" : (users.tokens.get(token) ?? null);
}
