/** Requests as bytes on the wire: nothing on the way mends their paths, methods or bodies. */
import { Agent, request as httpRequest } from "node:http";

const ANSWER_MS = 30_000;

export interface Request {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface Answer {
  readonly status: number;
  readonly type: string;
  readonly text: string;
}

/** One store at one address; remembers the tokens that it gave. */
export class Exchange {
  readonly #base: URL;
  /** A connection for each request: one that is used again may be closed under it, which says nothing. */
  readonly #agent = new Agent({ keepAlive: false });
  readonly #tokens = new Map<string, string>();

  /** `base`: what `/v3/...` is below. */
  constructor(base: string) {
    this.#base = new URL(base);
  }

  get #folder(): string {
    return this.#base.pathname.replace(/\/$/, "");
  }

  /** The answer, or null where the store has ended the connection without one. */
  async send(request: Request): Promise<Answer | null> {
    const answer = await new Promise<Answer | null>((done) => {
      const call = httpRequest(this.#optionsOf(request), (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.on("error", () => done(null));
        response.on("end", () =>
          done({
            status: response.statusCode ?? 0,
            type: (response.headers["content-type"] ?? "").split(";")[0] ?? "",
            text: Buffer.concat(chunks).toString("latin1").replaceAll(this.#folder, ""),
          }),
        );
      });
      call.setTimeout(ANSWER_MS, () => call.destroy(new Error("no answer in time")));
      call.on("error", () => done(null));
      call.end(Buffer.from(request.body, "latin1"));
    });
    if (answer?.status === 200 && request.path.endsWith("/auth/authenticate"))
      this.#keepToken(request, answer);
    return answer;
  }

  /** A stream's answer, piece by piece, until `signal` ends it. */
  stream(request: Request, signal: AbortSignal, take: (text: string) => void): void {
    const call = httpRequest({ ...this.#optionsOf(request), agent: false, signal }, (response) => {
      response.on("data", (chunk: Buffer) => take(chunk.toString("latin1")));
      response.on("error", () => undefined);
    });
    call.on("error", () => undefined);
    call.end(Buffer.from(request.body, "latin1"));
  }

  close(): void {
    this.#agent.destroy();
  }

  #optionsOf({ method, path, headers }: Request) {
    const filled = Object.entries(headers).map(([name, value]) => [name, this.#filled(value)] as const);
    return {
      agent: this.#agent,
      host: this.#base.hostname,
      port: this.#base.port,
      method,
      path: `${this.#folder}${path}`,
      headers: Object.fromEntries(filled),
    };
  }

  /** `{token NAME}` is the newest token of that user. */
  #filled(value: string): string {
    return value.replace(/\{token (\w+)\}/, (_, name: string) => this.#tokens.get(name) ?? "none");
  }

  #keepToken({ body }: Request, { text }: Answer): void {
    const name = /"name":"(\w+)"/.exec(body)?.[1];
    const token = /"token":"([^"]+)"/.exec(text)?.[1];
    if (name !== undefined && token !== undefined) this.#tokens.set(name, token);
  }
}
