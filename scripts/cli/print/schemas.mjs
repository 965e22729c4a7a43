// @ts-check
/** etcd's responses as Go structs: the order and the kinds of their fields, for `-w json`. */
import { child, children, flag, int, text, texts } from "../message.mjs";

/** @typedef {import("../message.mjs").Message} Message */
/** @typedef {"int" | "text" | "flag" | "texts" | readonly string[]} Scalar an array lists the names of an enum */
/** @typedef {{ readonly one: Schema } | { readonly many: Schema }} Nested */
/** @typedef {{ readonly [field: string]: Scalar | Nested }} Schema */

export const PERMISSIONS = /** @type {const} */ (["READ", "WRITE", "READWRITE"]);
export const ALARMS = /** @type {const} */ (["NONE", "NOSPACE", "CORRUPT"]);

export const HEADER = schema({ cluster_id: "int", member_id: "int", revision: "int", raft_term: "int" });
const header = { one: HEADER };

export const KEY_VALUE = schema({
  key: "text",
  create_revision: "int",
  mod_revision: "int",
  version: "int",
  value: "text",
  lease: "int",
});
/** Also of all the answers that say nothing else. */
export const PUT = schema({ header, prev_kv: { one: KEY_VALUE } });
export const RANGE = schema({ header, kvs: { many: KEY_VALUE }, more: "flag", count: "int" });
export const DELETE_RANGE = schema({ header, deleted: "int", prev_kvs: { many: KEY_VALUE } });
export const EVENT = schema({ type: ["PUT", "DELETE"], kv: { one: KEY_VALUE }, prev_kv: { one: KEY_VALUE } });

const MEMBER = schema({
  ID: "int",
  name: "text",
  peerURLs: "texts",
  clientURLs: "texts",
  isLearner: "flag",
});
export const MEMBERS = schema({ header, member: { one: MEMBER }, members: { many: MEMBER } });
export const STATUS = schema({
  header,
  version: "text",
  dbSize: "int",
  leader: "int",
  raftIndex: "int",
  raftTerm: "int",
  raftAppliedIndex: "int",
  errors: "texts",
  dbSizeInUse: "int",
  isLearner: "flag",
});
export const HASH_KV = schema({ header, hash: "int", compact_revision: "int" });
export const ALARM = schema({ header, alarms: { many: schema({ memberID: "int", alarm: ALARMS }) } });
export const USER = schema({ header, roles: "texts" });
export const USERS = schema({ header, users: "texts" });
export const ROLES = schema({ header, roles: "texts" });
export const ROLE = schema({
  header,
  perm: { many: schema({ permType: PERMISSIONS, key: "text", range_end: "text" }) },
});

/**
 * The struct that `goJson` prints: in order, without what is zero.
 * @param {Schema} shape
 * @param {Message} message
 */
export function toGo(shape, message) {
  /** @type {Record<string, unknown>} */
  const struct = {};
  for (const [field, kind] of Object.entries(shape)) {
    if (message[field] === undefined) continue;
    const value = toGoField(kind, message, field);
    const isZero = value === 0n || value === "" || value === false || value === 0;
    if (!isZero && !(Array.isArray(value) && value.length === 0)) struct[field] = value;
  }
  return struct;
}

/**
 * @param {Scalar | Nested} kind
 * @param {Message} message
 * @param {string} field
 */
function toGoField(kind, message, field) {
  if (typeof kind === "string") {
    const readers = { int, text, flag, texts };
    return readers[kind](message, field);
  }
  if (isEnum(kind)) return kind.indexOf(text(message, field));
  if ("one" in kind) return toGo(kind.one, child(message, field));
  return children(message, field).map((item) => toGo(kind.many, item));
}

/**
 * @param {readonly string[] | Nested} kind
 * @returns {kind is readonly string[]}
 */
function isEnum(kind) {
  return Array.isArray(kind);
}

/**
 * @param {Schema} shape
 * @returns {Schema}
 */
function schema(shape) {
  return shape;
}
