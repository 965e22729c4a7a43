/** What watchers of runs with users are told: by the users of the very moment that is told of. */
import { violated } from "../../raft/invariants/violation.ts";
import type { Model, Moment } from "../oracle/model.ts";
import type { Wanted } from "../watches/watch-oracle.ts";
import { userOf } from "./user-checks.ts";

interface Watched {
  readonly name: string;
  readonly wanted: Wanted;
}

/** Whoever is told of changes may read them, by the state of whoever tells, which knows `sequence` commands. */
export function checkWatcher(model: Model, watched: Watched, token: string | null, sequence: number): void {
  const moment = momentAt(model, watched, sequence);
  if (moment.isRestoring)
    violated("restore-hidden", `${watched.name} was told of a store that is being restored`);
  const error = refusalOf(moment, watched, token);
  if (error !== null) violated("watch-users", `${watched.name} was told, and should be refused as ${error}`);
}

export function checkWatchRefusal(
  model: Model,
  watched: Watched,
  token: string | null,
  { error, sequence }: { readonly error: string; readonly sequence: number },
): void {
  const expected = refusalOf(momentAt(model, watched, sequence), watched, token);
  if (error !== expected)
    violated("watch-users", `${watched.name} was refused as ${error}, not as ${expected}`);
}

function refusalOf({ users }: Moment, { wanted }: Watched, token: string | null): string | null {
  const user = userOf(users, { token });
  if (user === null) return "invalidAuthToken";
  if (!users.enabled) return null;
  if (user === "") return "userEmpty";
  return users.mayWatch(wanted, user) ? null : "permissionDenied";
}

function momentAt({ bySequence }: Model, { name }: Watched, sequence: number): Moment {
  const moment = bySequence[sequence];
  if (moment === undefined)
    violated("watch-users", `${name} was told of ${sequence} commands, which nobody knows`);
  return moment;
}
