/** `PUT /kv/{key}`, `DELETE /kv/{key}` and `DELETE /kv/?prefix=`. */
import { create } from "@bufbuild/protobuf";
import type { Context } from "hono";
import { LIMITS } from "../../base/limits.ts";
import { ok, type Result } from "../../base/result.ts";
import { type LeaseGrantRequest, LeaseGrantRequestSchema } from "../../wire/gen/etcd/rpc_pb.ts";
import { bytesField, originHeaders, prefixInterval } from "../answers.ts";
import { readBody } from "../body.ts";
import { deleteCommand, deleteRangeCommand, putCommand } from "../commands.ts";
import { keyOfPath } from "../key-path.ts";
import { type Condition, describeCondition, entityTag, writeConditions } from "../preconditions.ts";
import { answerProblem, type Problem, problem } from "../problem.ts";
import { countParameter, flagParameter, parseQuery, type Query } from "../query.ts";
import type { GatewayEnv, Services } from "../services.ts";
import { completeGrant } from "../v3/lease.ts";
import { tooLarge, type Written, write } from "../write.ts";

function conditionFailed(key: Uint8Array, conditions: readonly Condition[], written: Written): Problem {
  const wanted = conditions.map(describeCondition).join(" and ");
  const present = written.presentRevision;
  const found = present === 0 ? "the key does not exist" : `its mod_revision is ${present}`;
  return problem(412, "precondition_failed", `nothing was written: asked that ${wanted}, but ${found}`, {
    fields: {
      ...bytesField("key", key),
      mod_revision: present === 0 ? null : present,
      revision: written.revision,
    },
    headers: { ...originHeaders(written.header), ...(present === 0 ? {} : { ETag: entityTag(present) }) },
  });
}

/** The lease that `?ttl=` asks for; null without it. */
function leaseOf(services: Services, query: Query): Result<LeaseGrantRequest | null, Problem> {
  const bounds = { fallback: 0, min: 1, max: LIMITS.leaseTtlSecondsMax };
  const ttl = countParameter(query, "ttl", bounds);
  if (!ttl.ok) return ttl;
  if (ttl.value === 0) return ok(null);
  return ok(completeGrant(services, create(LeaseGrantRequestSchema, { TTL: BigInt(ttl.value) })));
}

/**
 * Answers `{"key", "revision"}` with the new ETag. With `?ttl=` the key is deleted when so many seconds
 * have passed since its last put; the answer tells the seconds in force.
 */
export async function putKey(c: Context<GatewayEnv>, services: Services): Promise<Response> {
  const key = keyOfPath(c.req.raw);
  if (!key.ok) return answerProblem(c, key.error);
  const query = parseQuery(c.req.raw, ["ttl"]);
  if (!query.ok) return answerProblem(c, query.error);
  const grant = leaseOf(services, query.value);
  if (!grant.ok) return answerProblem(c, grant.error);
  const conditions = writeConditions(c.req.raw.headers);
  if (!conditions.ok) return answerProblem(c, conditions.error);
  const value = await readBody(c.req.raw, LIMITS.requestBytesMax);
  if (value === null) return answerProblem(c, tooLarge(null));
  const command = putCommand(key.value, value, conditions.value, grant.value?.ID);
  const written = await write(c, services, command, grant.value);
  if (!written.ok) return answerProblem(c, written.error);
  const { header, revision, succeeded } = written.value;
  if (!succeeded) return answerProblem(c, conditionFailed(key.value, conditions.value, written.value));
  const ttl = grant.value === null ? {} : { ttl: Number(grant.value.TTL) };
  return c.json({ ...bytesField("key", key.value), revision, ...ttl }, 200, {
    ...originHeaders(header),
    ETag: entityTag(revision),
  });
}

/** Answers `{"deleted", "revision"}`; deleting a missing key is no error and deletes 0. */
export async function deleteKey(c: Context<GatewayEnv>, services: Services): Promise<Response> {
  const key = keyOfPath(c.req.raw);
  if (!key.ok) return answerProblem(c, key.error);
  const query = parseQuery(c.req.raw, []);
  if (!query.ok) return answerProblem(c, query.error);
  const conditions = writeConditions(c.req.raw.headers);
  if (!conditions.ok) return answerProblem(c, conditions.error);
  const written = await write(c, services, deleteCommand(key.value, conditions.value));
  if (!written.ok) return answerProblem(c, written.error);
  const { header, revision, succeeded, deleted } = written.value;
  if (!succeeded) return answerProblem(c, conditionFailed(key.value, conditions.value, written.value));
  return c.json({ deleted, revision }, 200, originHeaders(header));
}

/** Deletes every key that starts with `prefix`, in one revision. All keys only with `all=true`. */
export async function deletePrefix(c: Context<GatewayEnv>, services: Services): Promise<Response> {
  const query = parseQuery(c.req.raw, ["prefix", "all"]);
  if (!query.ok) return answerProblem(c, query.error);
  const all = flagParameter(query.value, "all");
  if (!all.ok) return answerProblem(c, all.error);
  const prefix = query.value.get("prefix");
  if (prefix === undefined) {
    return answerProblem(
      c,
      problem(400, "empty_key", "key is not provided: delete one as /kv/{key}, or many with /kv/?prefix="),
    );
  }
  if (prefix.length === 0 && !all.value) {
    return answerProblem(
      c,
      problem(
        400,
        "invalid_parameter",
        "an empty prefix would delete every key; add all=true if you mean it",
      ),
    );
  }
  const conditional = ["If-Match", "If-None-Match"].find((name) => c.req.raw.headers.has(name));
  if (conditional !== undefined) {
    return answerProblem(
      c,
      problem(400, "invalid_header", `${conditional} is for a single key, not for a prefix`),
    );
  }
  const { key, rangeEnd } = prefixInterval(prefix);
  const written = await write(c, services, deleteRangeCommand(key, rangeEnd));
  if (!written.ok) return answerProblem(c, written.error);
  const { header, revision, deleted } = written.value;
  return c.json({ deleted, revision }, 200, originHeaders(header));
}
