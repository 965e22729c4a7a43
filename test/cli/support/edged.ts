/** Runs the command line against a gateway over a fake store, or one that answers as told. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { PassThrough, Readable } from "node:stream";
import { runCli } from "../../../scripts/cli/program.mjs";
import { testGateway } from "../../gateway/fakes.ts";

export interface Run {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

async function bodyOf(message: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of message) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks);
}

/** Serves whatever gateway is current, and remembers the requests. */
export class Frontend {
  gateway = testGateway();
  readonly requests: { method: string; url: string; headers: IncomingMessage["headers"] }[] = [];
  readonly #server: Server = createServer((message, response) => {
    void (async () => {
      const { method = "GET", url = "/", headers } = message;
      this.requests.push({ method, url, headers });
      const body = await bodyOf(message);
      const answer = await this.gateway.app.request(`http://gateway${url}`, {
        method,
        headers: Object.entries(headers).map(([name, value]) => [name, String(value)]),
        ...(method === "GET" ? {} : { body: new Uint8Array(body) }),
      });
      response.writeHead(answer.status, { ...Object.fromEntries(answer.headers), Connection: "close" });
      response.end(Buffer.from(await answer.arrayBuffer()));
    })();
  });

  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
    const { port } = this.#server.address() as AddressInfo;
    return `http://127.0.0.1:${port}`;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

/** Without end of `stdin` unless it is given. */
export interface RunOptions {
  readonly input?: string | Uint8Array;
  readonly env?: NodeJS.ProcessEnv;
  readonly interrupt?: AbortSignal;
  /** Told of standard output as it comes. */
  readonly onOutput?: (text: string) => void;
}

function collect(stream: Readable, onText: (text: string) => void = () => undefined): Promise<Buffer> {
  const chunks: Buffer[] = [];
  stream.on("data", (chunk: Buffer) => {
    chunks.push(chunk);
    onText(chunk.toString("latin1"));
  });
  return once(stream, "end").then(() => Buffer.concat(chunks));
}

/** Runs a command line in this process. The files of whoever runs the tests are not looked at. */
export async function runEdged(
  endpoint: string,
  args: readonly string[],
  { input = "", env = {}, interrupt, onOutput }: RunOptions = {},
): Promise<Run> {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const written = Promise.all([collect(stdout, onOutput), collect(stderr)]);
  const code = await runCli(args, {
    env: { PATH: process.env["PATH"], EDGED_ENDPOINT: endpoint, XDG_CONFIG_HOME: "/nowhere", ...env },
    stdin: Readable.from([Buffer.from(input)]),
    stdout,
    stderr,
    ...(interrupt === undefined ? {} : { interrupt }),
  });
  stdout.end();
  stderr.end();
  const [out, err] = await written;
  return { code, out: out.toString("latin1"), err: err.toString() };
}

/** Runs it as users do, as a process of its own. */
export async function spawnEdged(
  endpoint: string,
  args: readonly string[],
  input: string | Uint8Array,
): Promise<Run> {
  const child = spawn(process.execPath, ["scripts/edged.mjs", ...args], {
    env: { ...process.env, EDGED_ENDPOINT: endpoint },
  });
  const closed = once(child, "close");
  const written = Promise.all([collect(child.stdout), collect(child.stderr)]);
  child.stdin.end(input);
  const [code] = await closed;
  const [out, err] = await written;
  return { code, out: out.toString("latin1"), err: err.toString() };
}

export interface ScriptedRequest {
  readonly path: string;
  readonly headers: IncomingMessage["headers"];
  readonly body: unknown;
}

/** Answers as the test says, and remembers what it was asked. */
export class ScriptedGateway {
  readonly requests: ScriptedRequest[] = [];
  url = "";
  readonly #server: Server;

  constructor(answer: (request: ScriptedRequest, response: ServerResponse) => void) {
    this.#server = createServer((message, response) => {
      void bodyOf(message).then((body) => {
        const text = body.toString();
        const { url: path = "/", headers } = message;
        const request = { path, headers, body: text === "" ? null : JSON.parse(text) };
        this.requests.push(request);
        answer(request, response);
      });
    });
  }

  async listen(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
    const { port } = this.#server.address() as AddressInfo;
    this.url = `http://127.0.0.1:${port}`;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  /** What was asked of one method. */
  asked(path: string): readonly unknown[] {
    return this.requests.filter((request) => request.path === path).map(({ body }) => body);
  }
}

/** A port where nobody listens. */
export async function closedPort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

export function success(out: string): Run {
  return { code: 0, out, err: "" };
}
