/**
 * `npm start`: installs what is missing, then serves a whole cluster (all replicas and the gateway)
 * with `wrangler dev`. PORT changes the port, PERSIST_TO the folder that keeps the data. Further
 * arguments go to wrangler. A bridge for native gRPC runs beside it, on port GRPC_PORT (2379).
 */
import { spawn } from "node:child_process";
import { createServer } from "node:net";
import { join, resolve } from "node:path";
import { guardGroup } from "./lib/guardian.mjs";
import { ensureInstalled, pinnedNode, root } from "./lib/install.mjs";
import { onStopSignal } from "./lib/stop-signal.mjs";

const HOST = "127.0.0.1";
const READY_POLL_MS = 200;
const STOP_GRACE_MS = 5_000;

const GRPC_PORT = 2379;
/** A bridge that does not listen by then is not waited for. */
const BRIDGE_MS = 10_000;

const port = readPort("PORT", 8787, 1);
const grpcPort = readPort("GRPC_PORT", GRPC_PORT, 0);
const url = `http://${HOST}:${port}`;
const persistTo = resolve(root, process.env.PERSIST_TO || join(".wrangler", "state"));

ensureInstalled();
await checkPortIsFree();
const bridge = startBridge();
const wrangler = startWrangler();
announceWhenReady();

function readPort(name, fallback, min) {
  const text = process.env[name] || String(fallback);
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= min && value <= 65_535) return value;
  return fail(`${name} is "${text}"; set it to a number from ${min} to 65535`);
}

function checkPortIsFree() {
  return new Promise((free) => {
    const probe = createServer();
    probe.once("error", (error) => {
      const reason =
        error.code === "EADDRINUSE" ? "is taken by another process" : `cannot be used (${error.code})`;
      fail(`port ${port} on ${HOST} ${reason}; choose another one: PORT=${port + 1} npm start`);
    });
    probe.listen(port, HOST, () => probe.close(free));
  });
}

/** Native gRPC in front of the gateway. Without it the gateway serves all the same. */
function startBridge() {
  const args = ["--endpoint", url, "--listen", `${HOST}:${grpcPort}`];
  const child = spawn(pinnedNode, ["--no-warnings", join(root, "scripts", "bridge", "main.ts"), ...args], {
    cwd: root,
    stdio: ["ignore", "pipe", "pipe"],
    // As wrangler below: this script ends it.
    detached: true,
  });
  guardGroup(child.pid);
  let problem = "";
  child.stderr.on("data", (text) => {
    problem += text;
  });
  const address = new Promise((listening) => {
    child.on("error", (error) => listening({ problem: error.message }));
    child.on("exit", () => listening({ problem: problem.trim() }));
    child.stdout.once("data", (text) => listening({ url: /listens on (\S+),/.exec(String(text))?.[1] }));
    setTimeout(() => listening({ problem: "it does not start" }), BRIDGE_MS).unref();
  });
  return { address, stop: () => child.kill("SIGTERM"), kill: () => killGroup(child.pid) };
}

function startWrangler() {
  const child = spawn(
    pinnedNode,
    [
      "--no-warnings",
      join(root, "node_modules", "wrangler", "wrangler-dist", "cli.js"),
      "dev",
      ...["--ip", HOST, "--port", String(port), "--inspector-port", "0", "--persist-to", persistTo],
      ...["--var", "ALLOW_ANONYMOUS:true", "--var", "ALLOW_CLUSTER_CREATE:true"],
      "--show-interactive-dev-session=false",
      ...["--log-level", "warn"],
      ...process.argv.slice(2),
    ],
    {
      cwd: root,
      stdio: ["ignore", "inherit", "inherit"],
      // A process group of its own: Ctrl-C reaches this script only, which then ends all of it in order.
      detached: true,
      env: {
        ...process.env,
        WRANGLER_SEND_METRICS: "false",
        WRANGLER_SEND_ERROR_REPORTS: "false",
        WRANGLER_HIDE_BANNER: "true",
        WRANGLER_LOG_PATH: join(root, ".wrangler", "logs"),
        // Apart from other projects' dev servers on this machine.
        WRANGLER_REGISTRY_PATH: join(root, ".wrangler", "registry"),
        CLOUDFLARE_CF_FETCH_ENABLED: "false",
      },
    },
  );
  guardGroup(child.pid);
  let stopping = false;
  child.on("error", (error) => fail(`wrangler did not start: ${error.message}`));
  child.on("exit", (code) => {
    killGroup(child.pid);
    bridge.kill();
    if (!stopping) console.error(`edged: wrangler ended by itself (exit code ${code}); see above`);
    process.exit(stopping ? 0 : code || 1);
  });
  onStopSignal(
    () => {
      stopping = true;
      bridge.stop();
      child.kill("SIGTERM");
      setTimeout(() => killGroup(child.pid), STOP_GRACE_MS).unref();
    },
    () => killGroup(child.pid),
  );
  return child;
}

function killGroup(leaderPid) {
  try {
    process.kill(-leaderPid, "SIGKILL");
  } catch {
    // All of it has ended already.
  }
}

/** Where etcd's clients connect, or why they cannot. */
async function grpcLines() {
  const { url: grpcUrl, problem } = await bridge.address;
  if (grpcUrl !== undefined) {
    return `etcdctl and etcd's client libraries (gRPC and HTTP) connect to ${grpcUrl}:

  etcdctl --endpoints=${grpcUrl.replace("http://", "")} get --prefix ""
`;
  }
  return `No gRPC for etcd's clients: ${problem}
Another port: GRPC_PORT=${grpcPort === 0 ? GRPC_PORT : grpcPort + 1} npm start
`;
}

async function announceWhenReady() {
  while (wrangler.exitCode === null) {
    try {
      await fetch(`${url}/livez`);
      break;
    } catch {
      await new Promise((next) => setTimeout(next, READY_POLL_MS));
    }
  }
  const grpc = await grpcLines();
  if (wrangler.exitCode !== null) return;
  console.log(`
edged listens on ${url}: a cluster of three replicas, open to this machine only.
Its data is in ${persistTo}. Ctrl-C ends it; the data stays.

  curl -X PUT ${url}/kv/name -d John    # write a key
  curl ${url}/kv/name                   # read it
  curl ${url}/status                    # see the replicas and who leads

${grpc}`);
}

function fail(message) {
  console.error(`edged: ${message}`);
  process.exit(1);
}
