/** One call of a session: the same methods that JSON, gRPC-web and Connect serve. */
import { create, type DescMessage, fromBinary, type Message, toBinary } from "@bufbuild/protobuf";
import { LIMITS } from "../../base/limits.ts";
import { err, ok, type Result } from "../../base/result.ts";
import type { ReplicaHeader } from "../../engine/replica-api.ts";
import { GRPC_CODE } from "../../wire/errors.ts";
import {
  type Answer,
  AnswerSchema,
  type Call,
  type Origin,
  OriginSchema,
} from "../../wire/gen/session_pb.ts";
import { RPCS } from "../connect/rpc-names.ts";
import { findReplica, unknownReplica } from "../middleware/select-replicas.ts";
import { userTokenOf } from "../middleware/token.ts";
import type { Services } from "../services.ts";
import { tokenDigest } from "../sign-in-token.ts";
import type { UnaryMethod } from "../v3/method.ts";
import { V3_METHODS } from "../v3/methods.ts";
import { type Arrival, openArrived } from "../v3/open-call.ts";
import { aboveReceiveLimit, refused, type V3Refusal } from "../v3/refusal.ts";

interface NamedMethod {
  readonly name: string;
  readonly method: UnaryMethod;
}

/** By path; the refusal for those that need a request of their own. */
const METHODS: ReadonlyMap<string, Result<NamedMethod, V3Refusal>> = new Map(
  RPCS.map(({ rpc, name }) => [`/${rpc.parent.typeName}/${rpc.name}`, sessionMethod(name)]),
);

/** Writes and reads of keys and leases are as short as each other, so they may share calls to replicas. */
const SHARING: ReadonlySet<string> = new Set([
  "kv/range",
  "kv/put",
  "kv/deleterange",
  "kv/txn",
  "lease/grant",
  "lease/revoke",
]);

function sessionMethod(name: string): Result<NamedMethod, V3Refusal> {
  const method = V3_METHODS.get(name);
  if (method === undefined) return err(refused(GRPC_CODE.unimplemented, `unknown method ${name}`));
  const isLong = method.kind === "stream" || method.mayWait === true;
  if (isLong)
    return err(refused(GRPC_CODE.unimplemented, "the call may last: it needs a request of its own"));
  return ok({ name, method });
}

export interface SessionCallsParts {
  /** Whose calls to replicas may share one, and those that are made by themselves. */
  readonly sharing: Services;
  readonly apart: Services;
  /** What the session's own request says; a call's metadata come before it. */
  readonly arrival: Omit<Arrival, "headers">;
  /** Where errors go that nobody expected. */
  readonly log: (message: string, error: unknown) => void;
}

export class SessionCalls {
  readonly #parts: SessionCallsParts;
  readonly #digests = new Map<string, string>();

  constructor(parts: SessionCallsParts) {
    this.#parts = parts;
  }

  async serve(call: Call): Promise<Answer> {
    try {
      return await this.#serve(call);
    } catch (error) {
      this.#parts.log(`${call.path} failed`, error);
      return refusal(call.id, refused(GRPC_CODE.internal, "internal error"));
    }
  }

  async #serve({ id, path, request, metadata, timeoutMs }: Call): Promise<Answer> {
    const found = METHODS.get(path);
    if (found === undefined) {
      return refusal(id, refused(GRPC_CODE.unimplemented, `there is no method ${path}`), true);
    }
    if (!found.ok) return refusal(id, found.error, true);
    const { name, method } = found.value;
    if (request.length > LIMITS.receiveBytesMax) return refusal(id, aboveReceiveLimit(request.length), true);
    const message = decode(method.request, request);
    if (message === null) {
      return refusal(
        id,
        refused(GRPC_CODE.invalidArgument, `the request is no ${method.request.typeName}`),
        true,
      );
    }
    const services = SHARING.has(name) ? this.#parts.sharing : this.#parts.apart;
    const arrival = await this.#arrival(metadata);
    if (!arrival.ok) return refusal(id, arrival.error, true);
    const opened = await openArrived(
      arrival.value,
      services,
      name,
      message,
      timeoutMs === 0 ? null : timeoutMs,
    );
    if (!opened.ok) return refusal(id, opened.error, true);
    const outcome = await method.serve(opened.value);
    if (outcome.kind === "refused") return refusal(id, outcome);
    const response = toBinary(method.answer, outcome.message);
    return create(AnswerSchema, { id, response, origin: originOf(outcome.origin) });
  }

  async #arrival(metadata: Readonly<Record<string, string>>): Promise<Result<Arrival, V3Refusal>> {
    const { arrival, sharing } = this.#parts;
    const headers = { get: (name: string): string | null => metadata[name] ?? null };
    const pin = headers.get("x-edged-replica") ?? arrival.pin;
    if (pin !== arrival.pin && pin !== null && !(await findReplica(sharing.router, arrival.cluster, pin))) {
      return err(refused(GRPC_CODE.invalidArgument, unknownReplica(sharing.router, arrival.cluster, pin)));
    }
    const token = userTokenOf(headers, sharing.config.access.kind !== "token");
    return ok({
      ...arrival,
      headers,
      pin,
      token: token === null ? arrival.token : await this.#digest(token),
    });
  }

  async #digest(token: string): Promise<string> {
    const known = this.#digests.get(token);
    if (known !== undefined) return known;
    if (this.#digests.size >= LIMITS.sessionTokensMax) this.#digests.clear();
    const digest = await tokenDigest(token);
    this.#digests.set(token, digest);
    return digest;
  }
}

function decode(schema: DescMessage, bytes: Uint8Array): Message | null {
  try {
    return fromBinary(schema, bytes, { recursionLimit: LIMITS.messageDepthMax });
  } catch {
    return null;
  }
}

function refusal(id: number, { code, message, origin }: V3Refusal, notBegun = false): Answer {
  const where = origin === null ? {} : { origin: originOf(origin) };
  return create(AnswerSchema, { id, code, message, notBegun, ...where });
}

function originOf({ revision, term, member, leader }: ReplicaHeader): Origin {
  return create(OriginSchema, {
    revision: BigInt(revision),
    term: BigInt(term),
    replica: member,
    leader: leader ?? "",
  });
}
