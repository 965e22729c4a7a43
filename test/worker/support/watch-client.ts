/** Watches of one gateway over real HTTP, in both dialects. */

export interface WatchedEvent {
  readonly key: string;
  /** Null for a deletion. */
  readonly value: string | null;
  readonly modRevision: number;
}

export interface WatchMessage {
  readonly revision: number;
  readonly created: boolean;
  readonly canceled: boolean;
  readonly compactRevision: number;
  readonly events: readonly WatchedEvent[];
}

/** Lines of a body as they come. Ends the request when it is disposed. */
export class LineStream implements AsyncDisposable {
  readonly response: Response;
  readonly #abort: AbortController;
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly #decoder = new TextDecoder();
  readonly #lines: string[] = [];
  #rest = "";

  private constructor(response: Response, abort: AbortController) {
    if (response.body === null) throw new Error("a stream has a body");
    this.response = response;
    this.#abort = abort;
    this.#reader = response.body.getReader();
  }

  static async open(url: string, init: RequestInit): Promise<LineStream> {
    const abort = new AbortController();
    const response = await fetch(url, { ...init, signal: abort.signal });
    if (!response.ok) throw new Error(`${response.status} ${await response.text()}`);
    return new LineStream(response, abort);
  }

  /** The next line; null at the end. */
  async line(): Promise<string | null> {
    for (;;) {
      const line = this.#lines.shift();
      if (line !== undefined) return line;
      const { done, value } = await this.#reader.read();
      if (done) return null;
      const parts = (this.#rest + this.#decoder.decode(value, { stream: true })).split("\n");
      this.#rest = parts.pop() ?? "";
      this.#lines.push(...parts);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#abort.abort();
    await this.#reader.cancel().catch(() => undefined);
  }
}

/** A stream of etcd's Watch service. */
export function openWatch(url: string, requests: readonly unknown[], replica?: string): Promise<LineStream> {
  return LineStream.open(`${url}/v3/watch`, {
    method: "POST",
    body: requests.map((request) => JSON.stringify(request)).join(""),
    headers: replica === undefined ? {} : { "X-Edged-Replica": replica },
  });
}

export function createRequest(key: string, more: Readonly<Record<string, unknown>> = {}): unknown {
  return { create_request: { key: btoa(key), ...more } };
}

/** All keys that begin with `prefix`, which ends with a letter. */
export function createPrefixRequest(prefix: string, more: Readonly<Record<string, unknown>> = {}): unknown {
  const last = prefix.charCodeAt(prefix.length - 1);
  const end = prefix.slice(0, -1) + String.fromCharCode(last + 1);
  return createRequest(prefix, { range_end: btoa(end), ...more });
}

interface Answer {
  readonly header?: { readonly revision?: string };
  readonly created?: boolean;
  readonly canceled?: boolean;
  readonly compact_revision?: string;
  readonly events?: readonly {
    readonly type?: string;
    readonly kv: { readonly key: string; readonly value?: string; readonly mod_revision: string };
  }[];
}

export async function nextMessage(stream: LineStream): Promise<WatchMessage> {
  const line = await stream.line();
  if (line === null) throw new Error("the stream has ended");
  const { result } = JSON.parse(line) as { readonly result?: Answer };
  if (result === undefined) throw new Error(`the stream failed: ${line}`);
  return {
    revision: Number(result.header?.revision ?? 0),
    created: result.created === true,
    canceled: result.canceled === true,
    compactRevision: Number(result.compact_revision ?? 0),
    events: (result.events ?? []).map(({ type, kv }) => ({
      key: atob(kv.key),
      value: type === "DELETE" ? null : atob(kv.value ?? ""),
      modRevision: Number(kv.mod_revision),
    })),
  };
}

/** Events until one of `revision` or later came. */
export async function eventsUntil(stream: LineStream, revision: number): Promise<WatchedEvent[]> {
  const told: WatchedEvent[] = [];
  while ((told.at(-1)?.modRevision ?? 0) < revision) told.push(...(await nextMessage(stream)).events);
  return told;
}
