/** A client of one gateway, speaking the plain dialect over real HTTP. */
import type { LeaderBook } from "./leader-book.ts";

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** The body as JSON; null when it is none. */
  readonly json: Readonly<Record<string, unknown>> | null;
  /** The revision in the ETag; null when there is none. */
  readonly modRevision: number | null;
}

export interface CallOptions {
  /** Ask this member and no other. */
  readonly replica?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** How long this client waits; far above what a gateway may take. */
  readonly timeoutMs?: number;
}

const TIMEOUT_MS = 30_000;

/** A key as lists show it. */
export interface ListedKey {
  readonly key: string;
  readonly value: string;
  readonly create_revision: number;
  readonly mod_revision: number;
  readonly version: number;
}

/** What a replica holds. */
export interface Content {
  readonly keys: readonly ListedKey[];
  readonly revision: number;
}

/** A member as `/status` shows it; the optional ones only when it answered. */
export interface MemberStatus {
  readonly name: string;
  readonly reachable: boolean;
  readonly role?: string;
  readonly region?: string | null;
  readonly term?: number;
  readonly leader?: string | null;
  readonly revision?: number;
  readonly commit?: number;
  readonly applied?: number;
  readonly first_index?: number;
  readonly last_index?: number;
  readonly match?: number;
  readonly heard_ms_ago?: number | null;
  readonly asleep?: boolean;
  readonly stopped?: string;
}

export interface GroupStatus {
  readonly leader: string | null;
  readonly term: number | null;
  readonly revision: number | null;
  readonly voters: readonly string[];
  readonly learners: readonly string[];
  readonly quorum: number;
  readonly fault_tolerance: number;
  readonly has_quorum: boolean;
  readonly members: readonly MemberStatus[];
}

export class KvClient {
  readonly url: string;
  readonly #book: LeaderBook;

  constructor(url: string, book: LeaderBook) {
    this.url = url.replace(/\/$/, "");
    this.#book = book;
  }

  async request(
    method: string,
    path: string,
    body: string | Uint8Array<ArrayBuffer> | null = null,
    { replica, headers, timeoutMs = TIMEOUT_MS }: CallOptions = {},
  ): Promise<Answer> {
    const pin = replica === undefined ? {} : { "X-Edged-Replica": replica };
    const response = await fetch(`${this.url}${path}`, {
      method,
      body,
      headers: { ...pin, ...headers },
      signal: AbortSignal.timeout(timeoutMs),
    });
    const text = await response.text();
    const term = Number(response.headers.get("X-Edged-Term"));
    const leader = response.headers.get("X-Edged-Leader");
    if (leader !== null) this.#book.note(term, leader);
    const tag = /^"(\d+)"$/.exec(response.headers.get("ETag") ?? "");
    return {
      status: response.status,
      headers: response.headers,
      text,
      json: parseJson(text),
      modRevision: tag === null ? null : Number(tag[1]),
    };
  }

  put(key: string, value: string, options: CallOptions = {}): Promise<Answer> {
    return this.request("PUT", `/kv/${key}`, value, options);
  }

  get(key: string, options: CallOptions = {}): Promise<Answer> {
    return this.request("GET", `/kv/${key}`, null, options);
  }

  /** What one replica has by itself, without asking anybody. */
  getLocal(key: string, replica: string): Promise<Answer> {
    return this.request("GET", `/kv/${key}?consistency=serializable`, null, { replica });
  }

  /** Everything as one replica has it, and its revision. The store must not change meanwhile. */
  async listLocal(replica: string): Promise<Content> {
    const keys: ListedKey[] = [];
    for (let after = ""; ; ) {
      const path = `/kv/?prefix=&limit=10000&consistency=serializable${after}`;
      const { status, json, text } = await this.request("GET", path, null, { replica });
      if (status !== 200 || json === null) throw new Error(`list of ${replica}: ${status} ${text}`);
      keys.push(...(json["keys"] as ListedKey[]));
      if (json["more"] !== true) return { keys, revision: Number(json["revision"]) };
      after = `&after=${String(json["next"])}`;
    }
  }

  async status(): Promise<GroupStatus> {
    const { json, text } = await this.request("GET", "/status");
    if (json === null) throw new Error(`no status: ${text}`);
    const status = json as unknown as GroupStatus;
    for (const { term, leader } of status.members) {
      if (term !== undefined && leader !== undefined && leader !== null) this.#book.note(term, leader);
    }
    return status;
  }
}

function parseJson(text: string): Readonly<Record<string, unknown>> | null {
  try {
    const json: unknown = JSON.parse(text);
    return typeof json === "object" && json !== null ? { ...json } : null;
  } catch {
    return null;
  }
}
