import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { prefixEnd } from "../../base/bytes.ts";
import { LIMITS } from "../../base/limits.ts";
import { type TokenRecord, TokenRecordSchema } from "../../wire/gen/edged_pb.ts";
import { fromUtf8, utf8 } from "../../wire/text.ts";
import { SYSTEM_PREFIX, systemKey } from "../system-keys.ts";
import type { SystemTable } from "../system-table.ts";

const PAGE_ROWS = 256;

/**
 * A token whose time was over this long before another was granted is deleted then. Longer than
 * clocks differ: who grants and who looks need not be the same machine.
 */
const EXPIRED_SLACK_MS = 60_000;
/** Deleted with one grant, so that no entry takes long. */
const EXPIRED_PER_GRANT = 64;

/** Whose a token is, and until when. */
export interface Token {
  readonly user: string;
  /** Milliseconds of wall time. */
  readonly expiresAtMs: number;
}

/**
 * Tokens of signed-in users, as records. In memory all of them, read when the first is asked for:
 * they are bounded, and every call of a client brings one. What displaces what is decided by the
 * log's content alone.
 */
export class TokenTable {
  readonly #system: SystemTable;
  #known: Map<string, Token> | null = null;

  constructor(system: SystemTable) {
    this.#system = system;
  }

  get(token: string): Token | null {
    return this.#tokens().get(token) ?? null;
  }

  get count(): number {
    return this.#tokens().size;
  }

  /** Grants a token, or prolongs it: one's time is never shortened. */
  grant(token: string, user: string, expiresAtMs: number): void {
    const known = this.get(token);
    if (known === null) this.#makeRoom(user, expiresAtMs);
    if (known !== null && known.expiresAtMs >= expiresAtMs) return;
    const record = create(TokenRecordSchema, { user, expiresAtMs: BigInt(expiresAtMs) });
    this.#system.put(keyOf(token), toBinary(TokenRecordSchema, record));
    this.#tokens().set(token, { user, expiresAtMs });
  }

  /** Ends all tokens of a user. */
  endUser(user: string): void {
    for (const [token, known] of [...this.#tokens()]) if (known.user === user) this.#delete(token);
  }

  endAll(): void {
    for (const token of [...this.#tokens().keys()]) this.#delete(token);
  }

  /** Deletes what expired long ago, and the oldest if there are too many. */
  #makeRoom(user: string, expiresAtMs: number): void {
    const horizon = expiresAtMs - LIMITS.tokenTtlMs - EXPIRED_SLACK_MS;
    let deleted = 0;
    let own = 0;
    let oldest: [string, Token] | null = null;
    let oldestOwn: [string, Token] | null = null;
    for (const [token, known] of [...this.#tokens()]) {
      if (known.expiresAtMs < horizon && deleted < EXPIRED_PER_GRANT) {
        this.#delete(token);
        deleted += 1;
        continue;
      }
      oldest = older(oldest, token, known);
      if (known.user !== user) continue;
      own += 1;
      oldestOwn = older(oldestOwn, token, known);
    }
    if (oldestOwn !== null && own >= LIMITS.tokensPerUserMax) this.#delete(oldestOwn[0]);
    else if (oldest !== null && this.count >= LIMITS.tokensMax) this.#delete(oldest[0]);
  }

  #delete(token: string): void {
    this.#system.delete(keyOf(token));
    this.#tokens().delete(token);
  }

  #tokens(): Map<string, Token> {
    if (this.#known !== null) return this.#known;
    const known = new Map<string, Token>();
    const end = prefixEnd(SYSTEM_PREFIX.token);
    for (let from: Uint8Array = SYSTEM_PREFIX.token; ; ) {
      const page = this.#system.page(from, end, PAGE_ROWS);
      for (const { key, value } of page) {
        const record: TokenRecord = fromBinary(TokenRecordSchema, value);
        const expiresAtMs = Number(record.expiresAtMs);
        known.set(fromUtf8(key.subarray(SYSTEM_PREFIX.token.length)), { user: record.user, expiresAtMs });
      }
      const last = page.at(-1);
      if (last === undefined || page.length < PAGE_ROWS) break;
      from = systemKey(last.key, Uint8Array.of(0));
    }
    this.#known = known;
    return known;
  }
}

/** The one that expires first; of two that expire together the one with the lower name. */
function older(best: [string, Token] | null, token: string, known: Token): [string, Token] {
  if (best === null || known.expiresAtMs < best[1].expiresAtMs) return [token, known];
  return known.expiresAtMs === best[1].expiresAtMs && token < best[0] ? [token, known] : best;
}

function keyOf(token: string): Uint8Array {
  return systemKey(SYSTEM_PREFIX.token, utf8(token));
}
