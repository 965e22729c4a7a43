import { EMPTY_BYTES, equalBytes } from "../../../base/bytes.ts";
import { err, ok, type Result } from "../../../base/result.ts";
import type { V3Call } from "../call.ts";
import { patienceOf } from "../patience.ts";
import type { V3Refusal } from "../refusal.ts";
import { awaitTurn, type Candidacy, type Entered, enter, leave, rewrite, type Told } from "./candidacy.ts";
import { ChangeWaiter } from "./change-waiter.ts";
import { asUnknown, givenUp } from "./inner-call.ts";
import { closeSession, openSession, type Session } from "./session.ts";

export interface Campaign {
  readonly name: Uint8Array;
  /** 0: one is granted. */
  readonly lease: bigint;
  /** Written also where the lease has the place already; null: such a place stays as it is. */
  readonly value: Uint8Array | null;
  /** What to say when the candidate's lease ends before its turn comes. */
  readonly expiredText: string;
}

export interface Won {
  readonly candidacy: Candidacy;
  /** The answer by which the candidate took its place. */
  readonly entry: Told;
  /** The answer that told it that its turn has come. */
  readonly turn: Told;
}

/** The create revision of the candidate's key: whatever is guarded should refuse lower ones than it has seen. */
const FENCING_HEADER = "X-Edged-Fencing-Token";

export function fencingHeaders({ createRevision }: Candidacy): Readonly<Record<string, string>> {
  return { [FENCING_HEADER]: String(createRevision) };
}

/**
 * Takes a place below a name and waits for its turn. A client that hangs up or whose deadline passes
 * loses the place; a gateway that dies leaves it to the lease.
 */
export async function campaignFor(
  call: V3Call<unknown>,
  campaign: Campaign,
): Promise<Result<Won, V3Refusal>> {
  const running = run(call, campaign);
  // What was taken is given back even after the client has gone.
  call.client.outlive(running);
  return running;
}

async function run(call: V3Call<unknown>, campaign: Campaign): Promise<Result<Won, V3Refusal>> {
  const patience = patienceOf(call.client.signal, call.client.timeoutMs, call.services.clock);
  const session = await openSession(call, campaign.lease);
  if (!session.ok) return err(asUnknown(session.error));
  const entered = await enter(call, campaign.name, session.value, campaign.value ?? EMPTY_BYTES);
  if (!entered.ok) {
    await closeSession(call, session.value);
    return err(asUnknown(entered.error));
  }
  const won = await wait(call, campaign, entered.value, new ChangeWaiter(call, patience));
  if (won.ok && !patience.isOver) return won;
  await giveUp(call, entered.value.candidacy, session.value);
  return won.ok ? err(givenUp()) : won;
}

async function wait(
  call: V3Call<unknown>,
  { value, expiredText }: Campaign,
  { candidacy, present, header, origin }: Entered,
  waiter: ChangeWaiter,
): Promise<Result<Won, V3Refusal>> {
  if (present !== null && value !== null && !equalBytes(present.value, value)) {
    const rewritten = await rewrite(call, candidacy, value);
    if (rewritten.kind === "refused") return err(rewritten);
  }
  const turn = await awaitTurn(call, candidacy, waiter, expiredText, () =>
    call.client.waits?.(fencingHeaders(candidacy)),
  );
  return turn.ok ? ok({ candidacy, entry: { header, origin }, turn: turn.value }) : turn;
}

/** Its lease would end it in time, if this fails. */
async function giveUp(call: V3Call<unknown>, candidacy: Candidacy, session: Session): Promise<void> {
  await leave(call, candidacy);
  await closeSession(call, session);
}
