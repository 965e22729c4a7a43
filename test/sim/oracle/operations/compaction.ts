import { create } from "@bufbuild/protobuf";
import { CompactionRequestSchema } from "../../../../src/wire/gen/etcd/rpc_pb.ts";
import type { WriteKind } from "./operation-kind.ts";

export const COMPACTION: WriteKind = {
  name: "compaction",
  weight: 0.6,
  requestCase: "compaction",
  draw({ random, revision }) {
    // The newest revision as often as not: whatever is derived from rows is derived from none then.
    const target = BigInt(Math.max(1, random.chance(0.5) ? revision : revision + 1 - random.below(12)));
    return {
      kind: "write",
      request: { case: "compaction", value: create(CompactionRequestSchema, { revision: target }) },
    };
  },
  execute(store, request) {
    if (request.case !== "compaction") throw new Error("not a compaction");
    const revision = Number(request.value.revision);
    if (revision <= store.compactRevision) return { kind: "rejected", error: "compacted" };
    if (revision > store.revision) return { kind: "rejected", error: "futureRevision" };
    store.compactRevision = revision;
    return { kind: "applied", answer: {} };
  },
  decode: () => ({}),
};
