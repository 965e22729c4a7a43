/** `GET /kv/{key}`: the raw value of one key. */
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import type { Context } from "hono";
import type { ReplicaHeader } from "../../engine/replica-api.ts";
import { RangeRequestSchema, RangeResponseSchema } from "../../wire/gen/etcd/rpc_pb.ts";
import { bytesField, failureProblem, originHeaders, rejectedProblem } from "../answers.ts";
import { keyOfPath } from "../key-path.ts";
import { entityTag, readVerdict } from "../preconditions.ts";
import { answerProblem, type Problem, problem } from "../problem.ts";
import { parseQuery, READ_PARAMETERS, readOptions } from "../query.ts";
import type { GatewayEnv, Services } from "../services.ts";

type Headers = Readonly<Record<string, string>>;

/** A pair as either of its decoders has it. */
interface Found {
  readonly createRevision: bigint | number;
  readonly modRevision: bigint | number;
  readonly version: bigint | number;
  readonly value: Uint8Array;
}

function versionHeaders(found: Found): Headers {
  return {
    ETag: entityTag(Number(found.modRevision)),
    // Any copy must be checked against the ETag before it is used.
    "Cache-Control": "no-cache",
    "X-Edged-Create-Revision": String(found.createRevision),
    "X-Edged-Version": String(found.version),
  };
}

/** The headers of an answer that is the value of `found`, but for its length, which goes with its body. */
export function valueHeaders(found: Found): Headers {
  return {
    ...versionHeaders(found),
    "Content-Type": "application/octet-stream",
    "X-Content-Type-Options": "nosniff",
  };
}

export function keyMissing(key: Uint8Array, header: ReplicaHeader): Problem {
  const fields = { ...bytesField("key", key), revision: header.revision };
  const headers = originHeaders(header);
  return problem(404, "key_not_found", "the key does not exist", { fields, headers });
}

export async function readKey(c: Context<GatewayEnv>, services: Services): Promise<Response> {
  const key = keyOfPath(c.req.raw);
  if (!key.ok) return answerProblem(c, key.error);
  const query = parseQuery(c.req.raw, READ_PARAMETERS);
  if (!query.ok) return answerProblem(c, query.error);
  const options = readOptions(query.value);
  if (!options.ok) return answerProblem(c, options.error);
  // Malformed conditions are refused before anything is read.
  const checked = readVerdict(c.req.raw.headers, 0);
  if (!checked.ok) return answerProblem(c, checked.error);
  const { revision, ...freshness } = options.value;
  const { consistency, minRevision } = freshness;
  const request = create(RangeRequestSchema, { key: key.value, revision: BigInt(revision) });
  const outcome = await services.router.range(
    { cluster: c.get("cluster"), pin: c.get("pin"), token: c.get("token") },
    { request: toBinary(RangeRequestSchema, request), ...freshness },
  );
  if (outcome.kind === "rejected") return answerProblem(c, rejectedProblem(outcome));
  if (outcome.kind === "failed") {
    const purpose = { kind: "read", consistency, minRevision } as const;
    return answerProblem(c, failureProblem(outcome, purpose, services));
  }
  const origin = originHeaders(outcome.header);
  const found = fromBinary(RangeResponseSchema, outcome.response).kvs[0];
  const verdict = readVerdict(c.req.raw.headers, Number(found?.modRevision ?? 0n));
  if (!verdict.ok) return answerProblem(c, verdict.error);
  const headers = found === undefined ? origin : { ...origin, ...versionHeaders(found) };
  if (verdict.value === "failed") {
    return answerProblem(
      c,
      problem(412, "precondition_failed", "If-Match does not hold for the key as it is now", { headers }),
    );
  }
  if (found === undefined) return answerProblem(c, keyMissing(key.value, outcome.header));
  if (verdict.value === "not-modified") return c.body(null, 304, headers);
  return c.body(found.value.slice().buffer, 200, {
    ...origin,
    ...valueHeaders(found),
    // HEAD is answered without the body.
    "Content-Length": String(found.value.length),
  });
}
