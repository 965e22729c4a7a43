// @ts-check
/** Where settings come from: flags, then the environment, then a file, then defaults. */
import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { usageError } from "./errors.mjs";
import { isMessage } from "./message.mjs";

/** Settings that the file may hold, by their names there, with the variables that come before it. */
const SETTINGS = /** @type {const} */ ({
  endpoints: ["EDGED_ENDPOINTS", "EDGED_ENDPOINT", "ETCDCTL_ENDPOINTS"],
  token: ["EDGED_TOKEN"],
  user: ["EDGED_USER", "ETCDCTL_USER"],
  password: ["EDGED_PASSWORD", "ETCDCTL_PASSWORD"],
  cluster: ["EDGED_CLUSTER"],
  cacert: ["EDGED_CACERT", "ETCDCTL_CACERT"],
  cert: ["EDGED_CERT", "ETCDCTL_CERT"],
  key: ["EDGED_KEY", "ETCDCTL_KEY"],
  "command-timeout": ["EDGED_COMMAND_TIMEOUT", "ETCDCTL_COMMAND_TIMEOUT"],
  "write-out": ["EDGED_WRITE_OUT", "ETCDCTL_WRITE_OUT"],
});

/** @typedef {keyof typeof SETTINGS} Setting */

/**
 * What the environment or else the file says; undefined when neither does.
 * @param {NodeJS.ProcessEnv} env
 * @param {string | undefined} file as given by `--config`
 * @returns {(setting: Setting) => string | undefined}
 */
export function settings(env, file) {
  const fromFile = readConfig(env, file);
  return (setting) => {
    const name = SETTINGS[setting].find((variable) => Boolean(env[variable]));
    return name === undefined ? fromFile.get(setting) : env[name];
  };
}

/**
 * @param {NodeJS.ProcessEnv} env
 * @param {string | undefined} file
 * @returns {Map<string, string>}
 */
function readConfig(env, file) {
  const named = file ?? (env["EDGED_CONFIG"] || undefined);
  const path = named ?? join(env["XDG_CONFIG_HOME"] || join(homedir(), ".config"), "edged", "config.json");
  /** @type {unknown} */
  let content;
  try {
    content = JSON.parse(readFileSync(path, "utf8"));
  } catch (error) {
    const isAbsent = error instanceof Error && "code" in error && error.code === "ENOENT";
    if (isAbsent && named === undefined) return new Map();
    throw usageError(`${path}: ${isAbsent ? "there is no such file" : "it is not JSON"}`);
  }
  return new Map(checkConfig(path, content));
}

/**
 * @param {string} path
 * @param {unknown} content
 * @returns {[string, string][]}
 */
function checkConfig(path, content) {
  const names = Object.keys(SETTINGS);
  if (!isMessage(content)) throw usageError(`${path}: write {"endpoints": "http://…"}`);
  return Object.entries(content).map(([name, value]) => {
    if (!names.includes(name))
      throw usageError(`${path}: there is no "${name}"; there are ${names.join(", ")}`);
    const list = Array.isArray(value) ? value.join(",") : value;
    if (typeof list !== "string") throw usageError(`${path}: "${name}" must be a string`);
    return [name, list];
  });
}
