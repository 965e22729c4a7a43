/**
 * Replays the transcripts of a real etcd that speak only of keys against the bare state machine. The
 * whole gateway is held against all transcripts elsewhere; here a difference shows where it arises.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import {
  create,
  type DescMessage,
  fromJson,
  type JsonValue,
  type Message,
  toBinary,
  toJson,
} from "@bufbuild/protobuf";
import { describe, expect, it } from "vitest";
import { isTooLarge, validateCommand } from "../../src/mvcc/validate.ts";
import { ERRORS, type ErrorKey } from "../../src/wire/errors.ts";
import { type Command, CommandSchema } from "../../src/wire/gen/edged_pb.ts";
import {
  CompactionRequestSchema,
  CompactionResponseSchema,
  DeleteRangeRequestSchema,
  DeleteRangeResponseSchema,
  PutRequestSchema,
  PutResponseSchema,
  RangeRequestSchema,
  RangeResponseSchema,
  TxnRequestSchema,
  TxnResponseSchema,
} from "../../src/wire/gen/etcd/rpc_pb.ts";
import { readable, Store } from "./harness.ts";

const folder = new URL("../../../shared/conformance/", import.meta.url);
const isPresent = existsSync(folder);

interface Step {
  readonly step: { readonly path?: string };
  readonly expect: { readonly status: number; readonly body: { readonly error?: string } } | null;
}

/** `requestText` and `normalise` of the transcripts' own library. */
interface Library {
  readonly requestText: (step: unknown, vars: object) => string | null;
}

const KINDS = {
  "/v3/kv/put": { request: PutRequestSchema, response: PutResponseSchema, kind: "put" },
  "/v3/kv/deleterange": {
    request: DeleteRangeRequestSchema,
    response: DeleteRangeResponseSchema,
    kind: "deleteRange",
  },
  "/v3/kv/txn": { request: TxnRequestSchema, response: TxnResponseSchema, kind: "txn" },
  "/v3/kv/compaction": {
    request: CompactionRequestSchema,
    response: CompactionResponseSchema,
    kind: "compaction",
  },
} as const;

function isReplayable(steps: readonly Step[]): boolean {
  return steps.every(({ step, expect: expected }) => {
    if (expected === null || step.path === undefined) return false;
    if ("method" in step || "raw" in step || "headers" in step) return false;
    if (expected.status !== 200 && !String(expected.body.error).startsWith("etcdserver: ")) return false;
    return step.path === "/v3/kv/range" || step.path in KINDS;
  });
}

function scenarios(): readonly (readonly [string, readonly Step[]])[] {
  if (!isPresent) return [];
  return readdirSync(new URL("golden/", folder))
    .map((name): readonly [string, readonly Step[]] => {
      const text = readFileSync(new URL(`golden/${name}`, folder), "utf8");
      return [name.replace(".json", ""), (JSON.parse(text) as { steps: readonly Step[] }).steps];
    })
    .filter(([name, steps]) => !name.startsWith("gateway-") && isReplayable(steps));
}

/** Header fields other than the revision belong to the replica; long strings are stored as a hash. */
function comparable(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(comparable);
  if (typeof value === "string" && value.length > 300) return { length: value.length };
  if (value === null || typeof value !== "object") return value;
  if ("$len" in value) return { length: value.$len };
  const entries = Object.entries(value).filter(
    ([name]) => !["cluster_id", "member_id", "raft_term"].includes(name),
  );
  return Object.fromEntries(entries.map(([name, inner]) => [name, comparable(inner)]));
}

function commandOf(path: keyof typeof KINDS, json: JsonValue): Command {
  const { request, kind } = KINDS[path];
  const value = fromJson<DescMessage>(request, json, { ignoreUnknownFields: true });
  return create(CommandSchema, { request: { case: kind, value } as Command["request"] });
}

function answer(store: Store, path: string, json: JsonValue): unknown {
  if (path === "/v3/kv/range") {
    const result = store.machine.range(fromJson(RangeRequestSchema, json, { ignoreUnknownFields: true }));
    return result.ok
      ? toJson(RangeResponseSchema, result.value, { useProtoFieldName: true })
      : errorOf(result.error);
  }
  const kind = path as keyof typeof KINDS;
  const command = commandOf(kind, json);
  const encoded = toBinary(CommandSchema, command);
  if (validateCommand(command) === null && isTooLarge(command, encoded.length))
    return errorOf("requestTooLarge");
  const outcome = store.apply(command).outcomes[0];
  if (outcome?.kind === "rejected") return errorOf(outcome.error);
  if (outcome === undefined) throw new Error("one command has one outcome");
  const message = readable(command, outcome) as Message;
  const schema: DescMessage = KINDS[kind].response;
  return toJson(schema, message, { useProtoFieldName: true });
}

function errorOf(key: ErrorKey): unknown {
  const { message, code } = ERRORS[key];
  return { error: message, message, code };
}

describe.skipIf(!isPresent)("etcd's own answers", async () => {
  const library: Library = isPresent
    ? await import(new URL("lib/encode.mjs", folder).href)
    : { requestText: () => null };
  const found = scenarios();

  it("has transcripts to replay", () => {
    expect(found.length).toBeGreaterThan(40);
  });

  it.each(found)("%s", (_name, steps) => {
    const store = new Store();
    for (const { step, expect: expected } of steps) {
      const text = library.requestText(step, {});
      const json: JsonValue = text === null ? {} : JSON.parse(text);
      const observed = answer(store, step.path ?? "", json ?? {});
      expect(comparable(observed), JSON.stringify(step)).toEqual(comparable(expected?.body));
    }
  });
});
