/** Who asks, and whether they may: by what is applied here at that moment. */
import { create, toBinary } from "@bufbuild/protobuf";
import { LIMITS } from "../base/limits.ts";
import type { Actor } from "../mvcc/auth/actor.ts";
import type { Need } from "../mvcc/auth/need.ts";
import type { Token } from "../mvcc/auth/token-table.ts";
import type { ErrorKey } from "../wire/errors.ts";
import { CommandSchema } from "../wire/gen/edged_pb.ts";
import type { EngineContext } from "./engine-context.ts";
import type { Proposals } from "./proposals.ts";

const PROLONG_MS = 5_000;
/** Tokens that are being prolonged at the same time. */
const PROLONGING_MAX = 1_024;

export type ClientActor = Extract<Actor, { kind: "client" }>;

export class Access {
  readonly #context: EngineContext;
  readonly #proposals: Proposals;
  /** Tokens whose prolongation is on its way. */
  readonly #prolonging = new Set<string>();

  constructor(context: EngineContext, proposals: Proposals) {
    this.#context = context;
    this.#proposals = proposals;
  }

  /**
   * Whose token this is; nobody's in particular without one. Null: it is not valid, as far as is known
   * here. A replica that lags must hear of what was applied elsewhere before it says so to a client.
   */
  actorOf(now: number, token: string | null | undefined): ClientActor | null {
    const { auth } = this.#context.machine;
    const authRevision = auth.revision;
    if (token === null || token === undefined || token === "") {
      return { kind: "client", user: "", authRevision };
    }
    const known = auth.token(token);
    if (known === null || known.expiresAtMs <= now) return null;
    if (known.expiresAtMs - now < LIMITS.tokenTtlMs / 2) this.#prolong(now, token, known);
    return { kind: "client", user: known.user, authRevision };
  }

  /** Why whoever has the token may not have what is needed, or null. */
  refusal(now: number, token: string | null | undefined, needs: Iterable<Need>): ErrorKey | null {
    const actor = this.actorOf(now, token);
    return actor === null ? "invalidAuthToken" : this.#context.machine.auth.refusal(needs, actor);
  }

  /** A token that is used stays valid: one entry of the log for each half of its time. */
  #prolong(now: number, token: string, { user }: Token): void {
    if (this.#prolonging.has(token) || this.#prolonging.size >= PROLONGING_MAX) return;
    const { raft, sender } = this.#context;
    const { leader } = raft.core;
    const expiresAtMs = BigInt(Math.floor(now) + LIMITS.tokenTtlMs);
    const value = { user, token, expiresAtMs };
    const command = toBinary(
      CommandSchema,
      create(CommandSchema, { internal: true, request: { case: "authenticate", value } }),
    );
    const settle = (): boolean => this.#prolonging.delete(token);
    if (raft.isLeader) {
      if (this.#proposals.add(now, command, now + PROLONG_MS, settle)) this.#prolonging.add(token);
    } else if (leader !== null) {
      this.#prolonging.add(token);
      sender.propose(leader, { command, mayForward: false, timeoutMs: PROLONG_MS }, settle);
    }
  }
}
