/** `edged bridge`: native gRPC and HTTP/1.1 on one port, as etcd has them. Serves until it is told to stop. */
import { Command, CommanderError, InvalidArgumentError } from "commander";
import { onStopSignal } from "../lib/stop-signal.mjs";
import { type Bridge, startBridge } from "./bridge.ts";
import { type BridgeOptions, SESSIONS_DEFAULT } from "./options.ts";

const DEFAULT_ENDPOINT = "http://127.0.0.1:8787";
const DEFAULT_LISTEN = "127.0.0.1:2379";
const USAGE = 2;
const SESSIONS_MAX = 16;

interface Flags {
  readonly endpoints?: readonly string[];
  readonly listen: { readonly host: string; readonly port: number };
  readonly cluster?: string;
  readonly token?: string;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly clientCa?: string;
  readonly sessions: number;
}

function parseListen(text: string): Flags["listen"] {
  const match = /^(?:\[([^\]]*)\]|([^:]*)):(\d{1,5})$/.exec(text);
  const port = Number(match?.[3]);
  if (match === null || port > 65_535) throw new InvalidArgumentError(`Write it as ${DEFAULT_LISTEN}.`);
  return { host: match[1] ?? (match[2] || "127.0.0.1"), port };
}

function parseEndpoints(list: string): readonly string[] {
  return list.split(",").map((part) => {
    const given = part.trim();
    const text = /^[a-z]+:\/\//i.test(given) ? given : `http://${given}`;
    if (!/^https?:/i.test(text) || !URL.canParse(text)) {
      throw new InvalidArgumentError(`Write it as ${DEFAULT_ENDPOINT}.`);
    }
    const url = new URL(text);
    return url.origin + url.pathname.replace(/\/+$/, "");
  });
}

function parseSessions(text: string): number {
  const sessions = Number(text);
  if (!Number.isInteger(sessions) || sessions < 0 || sessions > SESSIONS_MAX) {
    throw new InvalidArgumentError(`A number from 0 to ${SESSIONS_MAX}.`);
  }
  return sessions;
}

function createProgram(): Command {
  return new Command("edged bridge")
    .description("Serves etcd's gRPC and HTTP on one port, for etcdctl and etcd's client libraries.")
    .option(
      "--endpoint, --endpoints <urls>",
      `gateways, separated by commas (default ${DEFAULT_ENDPOINT})`,
      parseEndpoints,
    )
    .option(
      "--listen <host:port>",
      `where clients connect; port 0 takes a free one`,
      parseListen,
      parseListen(DEFAULT_LISTEN),
    )
    .option("--cluster <name>", "another cluster than the default one")
    .option("--token <token>", "the deployment's API_TOKEN (or EDGED_TOKEN in the environment)")
    .option("--tls-cert <file>", "serve TLS with this certificate (PEM)")
    .option("--tls-key <file>", "and this key")
    .option("--client-ca <file>", "let in only clients with a certificate of this authority")
    .option(
      "--sessions <count>",
      `sessions with a gateway that calls share, 0 for none (default ${SESSIONS_DEFAULT})`,
      parseSessions,
      SESSIONS_DEFAULT,
    )
    .exitOverride();
}

function optionsOf(flags: Flags): BridgeOptions {
  const { tlsCert: cert, tlsKey: key, clientCa = null } = flags;
  if ((cert === undefined) !== (key === undefined))
    throw new Error("--tls-cert and --tls-key need each other");
  if (cert === undefined && clientCa !== null) throw new Error("--client-ca needs --tls-cert and --tls-key");
  const path = flags.cluster === undefined ? "" : `/clusters/${flags.cluster}`;
  const endpoints = flags.endpoints ?? parseEndpoints(process.env["EDGED_ENDPOINT"] || DEFAULT_ENDPOINT);
  return {
    endpoints: endpoints.map((endpoint) => endpoint + path),
    ...flags.listen,
    token: flags.token ?? (process.env["EDGED_TOKEN"] || null),
    sessions: flags.sessions,
    tls: cert === undefined || key === undefined ? null : { cert, key, clientCa },
  };
}

function problemOf(error: unknown, { host, port }: BridgeOptions): string {
  const code = error instanceof Error && "code" in error ? error.code : null;
  if (code === "EADDRINUSE")
    return `port ${port} on ${host} is taken by another process; choose another one with --listen`;
  return error instanceof Error ? error.message : String(error);
}

/** Runs one command line; answers the exit code when the bridge was stopped. */
export async function main(args: readonly string[]): Promise<number> {
  const program = createProgram();
  let options: BridgeOptions;
  try {
    options = optionsOf(program.parse([...args], { from: "user" }).opts<Flags>());
  } catch (error) {
    // Commander has already written its message.
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : USAGE;
    return failed(error instanceof Error ? error.message : String(error), USAGE);
  }
  let bridge: Bridge;
  try {
    bridge = await startBridge(options);
  } catch (error) {
    return failed(problemOf(error, options), 1);
  }
  // For people, and for programs that started it: one line.
  console.log(`edged bridge listens on ${bridge.url}, gateway ${options.endpoints.join(", ")}`);
  await new Promise<void>((stop) => onStopSignal(stop, () => process.exit(1)));
  await bridge.close();
  return 0;
}

function failed(message: string, exitCode: number): number {
  console.error(`edged bridge: ${message}`);
  return exitCode;
}

if (import.meta.main) process.exitCode = await main(process.argv.slice(2));
