/** `GET /kv/?prefix=`: keys in order, a page at a time. */
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import type { Context } from "hono";
import { compareBytes, concatBytes } from "../../base/bytes.ts";
import { LIMITS } from "../../base/limits.ts";
import { err, ok, type Result } from "../../base/result.ts";
import { RangeRequestSchema, RangeResponseSchema } from "../../wire/gen/etcd/rpc_pb.ts";
import { fromBase64, toBase64 } from "../../wire/text.ts";
import { failureProblem, originHeaders, pairFields, prefixInterval, rejectedProblem } from "../answers.ts";
import type { ReadOutcome } from "../leader-router.ts";
import { strictUtf8 } from "../percent.ts";
import { answerProblem, type Problem, problem } from "../problem.ts";
import {
  countParameter,
  flagParameter,
  parseQuery,
  type Query,
  READ_PARAMETERS,
  type ReadOptions,
  readOptions,
} from "../query.ts";
import type { GatewayEnv, Services } from "../services.ts";

const PAGE_KEYS_DEFAULT = 100;
const PARAMETERS = ["prefix", "limit", "after", "keys_only", ...READ_PARAMETERS];

interface ListRequest extends ReadOptions {
  readonly key: Uint8Array;
  readonly rangeEnd: Uint8Array;
  readonly limit: number;
  readonly keysOnly: boolean;
}

/** A cursor is the last key of the page before, in URL-safe base64. */
export function encodeCursor(key: Uint8Array): string {
  return toBase64(key).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

function decodeCursor(query: Query): Result<Uint8Array | null, Problem> {
  const bytes = query.get("after");
  if (bytes === undefined) return ok(null);
  const text = strictUtf8(bytes) ?? "";
  if (!/^[A-Za-z0-9_-]+$/.test(text) || text.length % 4 === 1) {
    return err(problem(400, "invalid_parameter", 'after must be the "next" of the page before, unchanged'));
  }
  return ok(fromBase64(text));
}

function parseList(request: Request): Result<ListRequest, Problem> {
  const query = parseQuery(request, PARAMETERS);
  if (!query.ok) return query;
  const prefix = query.value.get("prefix");
  if (prefix === undefined) {
    return err(
      problem(
        400,
        "empty_key",
        "key is not provided: name one as /kv/{key}, or list with /kv/?prefix= (empty for all keys)",
      ),
    );
  }
  const options = readOptions(query.value);
  if (!options.ok) return options;
  const limit = countParameter(query.value, "limit", {
    fallback: PAGE_KEYS_DEFAULT,
    min: 1,
    max: LIMITS.listKeysMax,
  });
  if (!limit.ok) return limit;
  const keysOnly = flagParameter(query.value, "keys_only");
  if (!keysOnly.ok) return keysOnly;
  const cursor = decodeCursor(query.value);
  if (!cursor.ok) return cursor;
  const { key, rangeEnd } = prefixInterval(prefix);
  // The smallest key above the cursor is the cursor with a zero byte behind it.
  const next = cursor.value === null ? key : concatBytes([cursor.value, new Uint8Array([0])]);
  const from = compareBytes(next, key) > 0 ? next : key;
  return ok({ ...options.value, key: from, rangeEnd, limit: limit.value, keysOnly: keysOnly.value });
}

/** The first page of at most `limit` keys, or of fewer if they are large. */
async function readPage(c: Context<GatewayEnv>, services: Services, list: ListRequest): Promise<ReadOutcome> {
  const { key, rangeEnd, keysOnly, revision, limit, ...freshness } = list;
  const request = create(RangeRequestSchema, {
    key,
    rangeEnd,
    keysOnly,
    limit: BigInt(limit),
    revision: BigInt(revision),
  });
  return services.router.range(
    { cluster: c.get("cluster"), pin: c.get("pin"), token: c.get("token") },
    { request: toBinary(RangeRequestSchema, request), ...freshness, counted: false, paged: true },
  );
}

export async function listKeys(c: Context<GatewayEnv>, services: Services): Promise<Response> {
  const parsed = parseList(c.req.raw);
  if (!parsed.ok) return answerProblem(c, parsed.error);
  const { keysOnly, revision, consistency, minRevision } = parsed.value;
  const outcome = await readPage(c, services, parsed.value);
  if (outcome.kind === "rejected") return answerProblem(c, rejectedProblem(outcome));
  if (outcome.kind === "failed") {
    const purpose = { kind: "read", consistency, minRevision } as const;
    return answerProblem(c, failureProblem(outcome, purpose, services));
  }
  const response = fromBinary(RangeResponseSchema, outcome.response);
  const last = response.kvs.at(-1);
  const more = last !== undefined && response.more;
  return c.json(
    {
      keys: response.kvs.map((found) => pairFields(found, keysOnly)),
      more,
      ...(more ? { next: encodeCursor(last.key) } : {}),
      // The following pages read at this revision to fit to this one.
      revision: revision > 0 ? revision : outcome.header.revision,
    },
    200,
    { ...originHeaders(outcome.header), "Cache-Control": "no-cache" },
  );
}
