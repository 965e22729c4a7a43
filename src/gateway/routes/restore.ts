/**
 * `POST /restore?backup=SHA256&part=N`: loads one part of a backup into a cluster that is empty but for
 * the parts before it. The body is a frame of the file, the header's first (docs/snapshot-format.md).
 */
import { create, fromBinary } from "@bufbuild/protobuf";
import { Hono } from "hono";
import { LIMITS } from "../../base/limits.ts";
import {
  type BackupFrame,
  BackupFrameSchema,
  RestoreResponseSchema,
  RestoreSchema,
} from "../../wire/gen/edged_pb.ts";
import { failureProblem, originHeaders, rejectedProblem } from "../answers.ts";
import { readBody } from "../body.ts";
import { completeCommand, encodeBody } from "../commands.ts";
import { freshOperationIds } from "../operation-id.ts";
import { strictUtf8 } from "../percent.ts";
import { answerProblem, problem } from "../problem.ts";
import { countParameter, flagParameter, parseQuery, type Query } from "../query.ts";
import type { GatewayEnv, Services } from "../services.ts";
import { tooLarge } from "../write.ts";
import { onlyMethods } from "./methods.ts";

const ANY = { fallback: 0, min: 0, max: Number.MAX_SAFE_INTEGER };

/** 32 bytes from 64 hexadecimal digits; null if it is none. */
function checksumOf(query: Query): Uint8Array | null {
  const text = strictUtf8(query.get("backup") ?? new Uint8Array()) ?? "";
  if (!/^[0-9a-f]{64}$/.test(text)) return null;
  return Uint8Array.from({ length: 32 }, (_, i) => Number.parseInt(text.slice(2 * i, 2 * i + 2), 16));
}

function frameOf(body: Uint8Array): BackupFrame | null {
  try {
    return fromBinary(BackupFrameSchema, body);
  } catch {
    return null;
  }
}

export function restoreRoutes(services: Services): Hono<GatewayEnv> {
  const app = new Hono<GatewayEnv>();
  app.post("/restore", async (c) => {
    const query = parseQuery(c.req.raw, ["backup", "part", "last", "bump_revision"]);
    if (!query.ok) return answerProblem(c, query.error);
    const part = countParameter(query.value, "part", ANY);
    if (!part.ok) return answerProblem(c, part.error);
    const bump = countParameter(query.value, "bump_revision", ANY);
    if (!bump.ok) return answerProblem(c, bump.error);
    const last = flagParameter(query.value, "last");
    if (!last.ok) return answerProblem(c, last.error);
    const backup = checksumOf(query.value);
    if (backup === null) {
      return answerProblem(
        c,
        problem(400, "invalid_parameter", "backup must be the SHA-256 of the file in hexadecimal"),
      );
    }
    const body = await readBody(c.req.raw, LIMITS.entryBytesMax);
    if (body === null) return answerProblem(c, tooLarge(null));
    const frame = frameOf(body);
    if (frame === null)
      return answerProblem(c, problem(400, "invalid_backup", "the body is no frame of a backup"));
    const { header, versions, records } = frame;
    const value = create(RestoreSchema, {
      backup,
      part: BigInt(part.value),
      versions,
      records,
      last: last.value,
      bumpRevision: BigInt(bump.value),
      ...(header === undefined ? {} : { header }),
    });
    const command = encodeBody({ case: "restore", value });
    if (command.bytes.length > LIMITS.entryBytesMax) return answerProblem(c, tooLarge(command.bytes.length));
    const outcome = await services.router.propose(
      { cluster: c.get("cluster"), pin: c.get("pin"), token: c.get("token") },
      {
        operationId: freshOperationIds(services.entropy),
        encode: (id, seen) => completeCommand(command, id, seen),
      },
    );
    switch (outcome.kind) {
      case "applied": {
        const answer = fromBinary(RestoreResponseSchema, outcome.response);
        const told = { parts: Number(answer.parts), revision: Number(answer.header?.revision ?? 0n) };
        return c.json(told, 200, originHeaders(outcome.header));
      }
      case "rejected":
        return answerProblem(c, rejectedProblem(outcome));
      case "failed":
        // A part that came already is no other part: repeating it is safe, as with a key.
        return answerProblem(c, failureProblem(outcome, { kind: "write", keyed: true }, services));
    }
  });
  onlyMethods(app, "/restore", ["POST"]);
  return app;
}
