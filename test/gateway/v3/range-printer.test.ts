/** Answers printed page by page, out of a real store, against the same answer printed whole. */
import { create, fromBinary, toJsonString } from "@bufbuild/protobuf";
import fc from "fast-check";
import { afterEach, describe, expect, test } from "vitest";
import type { RangeCall, RangeReply, ReplicaHeader } from "../../../src/engine/replica-api.ts";
import { rangeReply } from "../../../src/engine/replies.ts";
import type { LeaderRouter } from "../../../src/gateway/leader-router.ts";
import type { V3Call } from "../../../src/gateway/v3/call.ts";
import { printRange } from "../../../src/gateway/v3/range-printer.ts";
import {
  type RangeRequest,
  RangeRequest_SortOrder,
  RangeRequest_SortTarget,
  RangeRequestSchema,
  RangeResponseSchema,
} from "../../../src/wire/gen/etcd/rpc_pb.ts";
import { bytes, compactOf, deleteOf, putOf, Store } from "../../mvcc/harness.ts";
import { overrideLimits } from "../../sim/limits-knobs.ts";
import { header } from "../fakes.ts";

let restore = (): void => undefined;
afterEach(() => restore());

function storeHeader(store: Store): ReplicaHeader {
  return header("r1", { revision: store.machine.state().revision });
}

/** A router with one replica; `between` runs before each page but the first. */
function callOf(
  store: Store,
  request: RangeRequest,
  between: () => void,
  asked: RangeCall[],
): V3Call<RangeRequest> {
  const router = {
    range: async (_choice: unknown, call: RangeCall): Promise<RangeReply> => {
      if (asked.length > 0) between();
      if (asked.length > 200) throw new Error("pages without end");
      asked.push(call);
      const ranged = fromBinary(RangeRequestSchema, call.request);
      return rangeReply(store.machine.rangePage(ranged, true), storeHeader(store));
    },
  };
  return {
    request,
    services: { router },
    choice: {},
    hasDeadline: false,
  } as unknown as V3Call<RangeRequest> & {
    services: { router: LeaderRouter };
  };
}

async function printed(call: V3Call<RangeRequest>): Promise<string> {
  const answer = await printRange(call);
  if (answer.kind === "refused") return answer.message;
  return new Response(answer.body).text();
}

function whole(store: Store, request: RangeRequest): string {
  const result = store.machine.range(request);
  if (!result.ok) return result.error;
  const { clusterId, memberId, term } = storeHeader(store);
  const revision = BigInt(store.machine.state().revision);
  result.value.header = {
    ...create(RangeResponseSchema, { header: {} }).header,
    $typeName: "etcdserverpb.ResponseHeader",
    clusterId: BigInt(`0x${clusterId}`),
    memberId: BigInt(`0x${memberId}`),
    revision,
    raftTerm: BigInt(term),
  };
  return toJsonString(RangeResponseSchema, result.value, { useProtoFieldName: true });
}

function filled(): Store {
  const store = new Store();
  for (let i = 0; i < 120; i += 1) {
    const key = bytes(`k${String((i * 37) % 60).padStart(2, "0")}`);
    store.do(i % 7 === 3 ? deleteOf({ key }) : putOf({ key, value: bytes("v".repeat((i * 13) % 40)) }));
  }
  return store;
}

const request = fc.record({
  key: fc.constantFrom("k", "k1", "k30", "a", "z"),
  end: fc.constantFrom("l", "k2", "k45", "\0", ""),
  limit: fc.integer({ min: 0, max: 70 }),
  revision: fc.constantFrom(0, 50, 100),
  keysOnly: fc.boolean(),
  countOnly: fc.boolean(),
  order: fc.constantFrom(
    RangeRequest_SortOrder.NONE,
    RangeRequest_SortOrder.ASCEND,
    RangeRequest_SortOrder.DESCEND,
  ),
  target: fc.constantFrom(
    RangeRequest_SortTarget.KEY,
    RangeRequest_SortTarget.KEY,
    RangeRequest_SortTarget.VALUE,
  ),
  minMod: fc.constantFrom(0, 0, 60, 90),
});

describe("an answer in pages", () => {
  test("is to the byte the answer in one piece, whatever is written meanwhile", async () => {
    let pages = 0;
    await fc.assert(
      fc.asyncProperty(
        request,
        fc.constantFrom(1, 90, 400),
        fc.constantFrom(1, 3, 50),
        async (op, size, scan) => {
          const store = filled();
          const ranged = create(RangeRequestSchema, {
            key: bytes(op.key),
            rangeEnd: bytes(op.end),
            limit: BigInt(op.limit),
            revision: BigInt(op.revision),
            keysOnly: op.keysOnly,
            countOnly: op.countOnly,
            sortOrder: op.order,
            sortTarget: op.target,
            minModRevision: BigInt(op.minMod),
          });
          const expected = whole(store, ranged);
          restore = overrideLimits({ pageBytesMax: size, pageScanKeysMax: scan });
          const asked: RangeCall[] = [];
          const write = () => store.do(putOf({ key: bytes(`k${asked.length}x`), value: bytes("new") }));
          const text = await printed(callOf(store, ranged, write, asked));
          restore();
          pages = Math.max(pages, asked.length);
          expect(text).toBe(expected);
          // Only the first page asks whether it is up to date.
          expect(asked.slice(1).every(({ consistency }) => consistency === "serializable")).toBe(true);
        },
      ),
      { numRuns: 300, endOnFailure: true },
    );
    expect(pages).toBeGreaterThan(30);
  });

  test("breaks off where history is compacted meanwhile, and never looks whole", async () => {
    const store = filled();
    const ranged = create(RangeRequestSchema, { key: bytes("k"), rangeEnd: bytes("l") });
    restore = overrideLimits({ pageBytesMax: 100 });
    const asked: RangeCall[] = [];
    const compact = () => {
      store.do(putOf({ key: bytes("z") }));
      store.do(compactOf(store.machine.state().revision));
    };
    const answer = await printRange(callOf(store, ranged, compact, asked));
    if (answer.kind === "refused" || typeof answer.body === "string")
      throw new Error("it should be a stream");
    const reader = answer.body.getReader();
    let text = "";
    await expect(
      (async () => {
        for (;;) {
          const { value, done } = await reader.read();
          if (done) return;
          text += new TextDecoder().decode(value);
        }
      })(),
    ).rejects.toThrow(/breaks off: compacted/);
    expect(() => JSON.parse(text)).toThrow();
    expect(asked.length).toBe(2);
  });

  test("is refused before the first byte as ever", async () => {
    const store = filled();
    const future = create(RangeRequestSchema, { key: bytes("k"), rangeEnd: bytes("l"), revision: 1_000n });
    expect(await printed(callOf(store, future, () => undefined, []))).toBe(
      "etcdserver: mvcc: required revision is a future revision",
    );
  });
});
