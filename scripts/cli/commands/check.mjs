// @ts-check
/** `check perf`: whether a cluster takes a load in time, with etcdctl's loads and limits. */
import { randomBytes } from "node:crypto";
import http from "node:http";
import https from "node:https";
import { CliError, usageError } from "../errors.mjs";
import { pause, untilInterrupted } from "../interrupt.mjs";
import { base64 } from "../message.mjs";
import { rangeOf } from "../ranges.mjs";

/** @typedef {import("../context.mjs").CommandContext} CommandContext */

/** Writes a second, and how many at the same time at most. Source: etcdctl `ctlv3/command/check.go`. */
const LOADS = new Map([
  ["s", { limit: 150, clients: 50 }],
  ["m", { limit: 1_000, clients: 200 }],
  ["l", { limit: 8_000, clients: 500 }],
  ["xl", { limit: 15_000, clients: 1_000 }],
]);
const SECONDS = 60;
const KEY_BYTES = 256;
const VALUE_BYTES = 1_024;
const THROUGHPUT_MIN = 0.9;
const SLOWEST_SECONDS_MAX = 0.5;
const STDDEV_SECONDS_MAX = 0.1;

/**
 * @param {import("commander").Command} program
 * @param {() => CommandContext} context
 */
export function addCheckCommand(program, context) {
  program
    .command("check")
    .description("check how a cluster does")
    .command("perf")
    .description("write for a minute and see whether it keeps up")
    .option("--load <load>", "s, m, l or xl", "s")
    .option(
      "--prefix <prefix>",
      "of the keys that are written, and deleted at the end",
      "/etcdctl-check-perf/",
    )
    .action((options) => perf(context(), options));
}

/**
 * @param {CommandContext} context
 * @param {{ load: string, prefix: string }} options
 */
async function perf(context, { load, prefix }) {
  const chosen = LOADS.get(load);
  if (chosen === undefined) throw usageError(`unknown load option ${load}; there are s, m, l, xl`);
  const { client, stdout } = context;
  const isTls = client.connection.endpoints[0]?.startsWith("https:") === true;
  const sockets = { keepAlive: true, maxSockets: chosen.clients };
  const agent = isTls ? new https.Agent(sockets) : new http.Agent(sockets);
  const range = rangeOf(prefix, undefined, { prefix: true });
  const found = await client.call("kv/range", { ...range, limit: "1" });
  if (found["kvs"] !== undefined) throw new CliError(`prefix "${prefix}" has keys. Delete with del first`);
  try {
    const { tookSeconds, errors, elapsedSeconds } = await untilInterrupted(context, (signal) =>
      write(context, { ...chosen, prefix, agent }, signal),
    );
    for (const error of errors) stdout.write(`FAIL: "${error}"\n`);
    const isOk = judge(stdout, tookSeconds, elapsedSeconds, chosen.limit) && errors.size === 0;
    stdout.write(isOk ? "PASS\n" : "FAIL\n");
    if (!isOk) throw new CliError("the cluster did not keep up");
  } finally {
    await client.call("kv/deleterange", range, { isWrite: true });
    agent.destroy();
  }
}

/**
 * @param {CommandContext} context
 * @param {{ limit: number, clients: number, prefix: string, agent: http.Agent }} load
 * @param {AbortSignal} signal
 */
async function write({ client }, { limit, clients, prefix, agent }, signal) {
  /** @type {number[]} */
  const tookSeconds = [];
  /** @type {Set<string>} */
  const errors = new Set();
  const total = limit * SECONDS;
  const startMs = performance.now();
  let begun = 0;
  const work = async () => {
    while (begun < total && !signal.aborted) {
      const dueMs = startMs + (begun / limit) * 1_000;
      begun += 1;
      const waitMs = dueMs - performance.now();
      if (waitMs > 0) await pause(waitMs, signal);
      if (performance.now() - startMs > SECONDS * 1_000) return;
      const key = base64(Buffer.concat([Buffer.from(prefix), randomBytes(KEY_BYTES)]));
      const value = base64(randomBytes(VALUE_BYTES));
      const sentMs = performance.now();
      try {
        await client.call("kv/put", { key, value }, { isWrite: true, agent, signal });
        tookSeconds.push((performance.now() - sentMs) / 1_000);
      } catch (error) {
        errors.add(error instanceof Error ? error.message : String(error));
      }
    }
  };
  await Promise.all(Array.from({ length: clients }, work));
  return { tookSeconds, errors, elapsedSeconds: (performance.now() - startMs) / 1_000 };
}

/**
 * @param {NodeJS.WritableStream} stdout
 * @param {readonly number[]} tookSeconds
 * @param {number} elapsedSeconds
 * @param {number} limit
 */
function judge(stdout, tookSeconds, elapsedSeconds, limit) {
  const rate = tookSeconds.length / elapsedSeconds;
  const slowest = tookSeconds.reduce((most, took) => Math.max(most, took), 0);
  const mean = tookSeconds.reduce((sum, took) => sum + took, 0) / Math.max(1, tookSeconds.length);
  const variance =
    tookSeconds.reduce((sum, took) => sum + (took - mean) ** 2, 0) / Math.max(1, tookSeconds.length);
  const stddev = Math.sqrt(variance);
  const verdicts = [
    rate / limit < THROUGHPUT_MIN
      ? `FAIL: Throughput too low: ${Math.floor(rate) + 1} writes/s`
      : `PASS: Throughput is ${Math.floor(rate) + 1} writes/s`,
    slowest > SLOWEST_SECONDS_MAX
      ? `FAIL: Slowest request took too long: ${slowest.toFixed(6)}s`
      : `PASS: Slowest request took ${slowest.toFixed(6)}s`,
    stddev > STDDEV_SECONDS_MAX
      ? `FAIL: Stddev too high: ${stddev.toFixed(6)}s`
      : `PASS: Stddev is ${stddev.toFixed(6)}s`,
  ];
  stdout.write(`${verdicts.join("\n")}\n`);
  return verdicts.every((verdict) => verdict.startsWith("PASS"));
}
