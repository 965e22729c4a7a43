/** Parts of a backup, loaded in order into a store that nothing was written to. */
import { fromBinary } from "@bufbuild/protobuf";
import { defined } from "../../../../src/base/assert.ts";
import { toHex } from "../../../../src/base/bytes.ts";
import { RestoreResponseSchema } from "../../../../src/wire/gen/edged_pb.ts";
import type { WriteKind } from "./operation-kind.ts";

/** Sent by who restores, at the beginning of some runs. */
export const RESTORE: WriteKind = {
  name: "restore",
  weight: 0,
  requestCase: "restore",
  draw: () => {
    throw new Error("clients restore nothing");
  },
  execute(store, request) {
    if (request.case !== "restore") throw new Error("not a part of a backup");
    const id = toHex(request.value.backup);
    const part = Number(request.value.part);
    const { restore } = store;
    if (restore === null && !store.isPristine) return { kind: "rejected", error: "restoreNotEmpty" };
    const parts = restore?.parts ?? 0;
    const isOver = restore?.isOver === true && (part >= parts || restore.revision !== store.revision);
    const isOther = restore !== null && (restore.backup !== id || isOver);
    if (isOther) return { kind: "rejected", error: "restoreNotEmpty" };
    if (part < parts) return { kind: "applied", answer: { parts } };
    if (part > parts) return { kind: "rejected", error: "restoreOrder" };
    store.restorePart(defined(store.backups.get(id), "backups of a run are known"), part);
    return { kind: "applied", answer: { parts: parts + 1 } };
  },
  decode: (response) => ({ parts: Number(fromBinary(RestoreResponseSchema, response).parts) }),
};
