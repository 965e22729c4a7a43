/** Watches that go on however often the streams below them break: nothing lost, nothing told twice. */
import { create } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { WatchRelay } from "../../scripts/bridge/watch/watch-relay.ts";
import { EventSchema } from "../../src/wire/gen/etcd/kv_pb.ts";
import {
  type WatchRequest,
  WatchRequestSchema,
  type WatchResponse,
  WatchResponseSchema,
} from "../../src/wire/gen/etcd/rpc_pb.ts";
import { fromUtf8, utf8 } from "../../src/wire/text.ts";

/** A gateway over a history: revision r holds `history[r - 1]` events. It breaks when it is told to. */
class FakeGateway {
  readonly opened: WatchRequest[][] = [];
  readonly #history: readonly number[];
  readonly #breaks: number[];
  /** Events below it are compacted. */
  compacted = 0n;

  /** `breaks`: after so many messages of each stream; a stream without a number lasts. */
  constructor(history: readonly number[], breaks: readonly number[]) {
    this.#history = history;
    this.#breaks = [...breaks];
  }

  open = async function* (
    this: FakeGateway,
    requests: AsyncIterable<WatchRequest>,
  ): AsyncGenerator<WatchResponse, void> {
    let left = this.#breaks.shift() ?? Number.POSITIVE_INFINITY;
    const asked: WatchRequest[] = [];
    this.opened.push(asked);
    for await (const request of requests) {
      asked.push(request);
      for (const response of this.#answer(request)) {
        if (left > 0) yield response;
        left -= 1;
        if (left <= 0) throw new ConnectError("broken", Code.Unavailable);
      }
    }
  }.bind(this);

  *#answer({ requestUnion }: WatchRequest): Generator<WatchResponse, void> {
    const header = { revision: BigInt(this.#history.length) };
    switch (requestUnion.case) {
      case "createRequest": {
        const { watchId, startRevision, fragment } = requestUnion.value;
        yield create(WatchResponseSchema, { header, watchId, created: true });
        if (startRevision > 0n && startRevision < this.compacted) {
          const compactRevision = this.compacted;
          yield create(WatchResponseSchema, { header, watchId, canceled: true, compactRevision });
          return;
        }
        const from = startRevision === 0n ? this.#history.length + 1 : Number(startRevision);
        for (let revision = from; revision <= this.#history.length; revision += 1) {
          const events = Array.from({ length: this.#history[revision - 1] ?? 0 }, (_, sub) =>
            create(EventSchema, { kv: { key: utf8(`${revision}.${sub}`), modRevision: BigInt(revision) } }),
          );
          const size = fragment ? 2 : events.length;
          for (let start = 0; start < events.length; start += size) {
            const isLast = start + size >= events.length;
            const content = { header, watchId, events: events.slice(start, start + size), fragment: !isLast };
            yield create(WatchResponseSchema, content);
          }
        }
        break;
      }
      case "cancelRequest":
        yield create(WatchResponseSchema, { header, watchId: requestUnion.value.watchId, canceled: true });
        break;
      case "progressRequest":
        yield create(WatchResponseSchema, { header, watchId: -1n });
        break;
      default:
        break;
    }
  }
}

type Asked = Extract<WatchRequest["requestUnion"], { case: string }>["case"];

function ask(kind: Asked, value: Readonly<Record<string, unknown>> = {}): WatchRequest {
  return create(WatchRequestSchema, { requestUnion: { case: kind, value } as never });
}

/** What the client hears until `isEnough`. */
async function heard(
  gateway: FakeGateway,
  requests: readonly WatchRequest[],
  isEnough: (all: readonly WatchResponse[]) => boolean,
): Promise<readonly WatchResponse[]> {
  const relay = new WatchRelay({ open: gateway.open, needsLeader: false });
  const all: WatchResponse[] = [];
  const asked = (async function* () {
    yield* requests;
  })();
  for await (const response of relay.answers(asked, new AbortController().signal)) {
    all.push(response);
    if (isEnough(all)) break;
  }
  return all;
}

function keysOf(responses: readonly WatchResponse[], watchId: bigint): readonly string[] {
  return responses
    .filter((response) => response.watchId === watchId)
    .flatMap(({ events }) => events.map(({ kv }) => fromUtf8(kv?.key ?? new Uint8Array())));
}

function expectedKeys(history: readonly number[], from: number): readonly string[] {
  return history.flatMap((count, position) =>
    position + 1 < from ? [] : Array.from({ length: count }, (_, sub) => `${position + 1}.${sub}`),
  );
}

describe("streams that break", () => {
  test("lose nothing and tell nothing twice, fragments included", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 1, max: 6 }), { minLength: 1, maxLength: 8 }),
        fc.array(fc.integer({ min: 0, max: 9 }), { maxLength: 3 }),
        fc.array(fc.record({ from: fc.integer({ min: 1, max: 8 }), fragment: fc.boolean() }), {
          minLength: 1,
          maxLength: 3,
        }),
        async (history, breaks, watches) => {
          const gateway = new FakeGateway(history, breaks);
          const requests = watches.map(({ from, fragment }) =>
            ask("createRequest", { startRevision: BigInt(from), fragment }),
          );
          const expected = watches.map(({ from }) => expectedKeys(history, from));
          const total = expected.flat().length;
          const all = await heard(gateway, requests, (responses) => {
            const events = responses.flatMap((response) => response.events).length;
            return events >= total && responses.filter(({ created }) => created).length === watches.length;
          });
          const ids = all.filter(({ created }) => created).map(({ watchId }) => watchId);
          expect(ids).toEqual(watches.map((_, position) => BigInt(position)));
          expect(ids.map((id) => keysOf(all, id))).toEqual(expected);
        },
      ),
      { numRuns: 25 },
    );
  });

  test("a watch that began now goes on where it began", async () => {
    const history = [1, 1];
    const gateway = new FakeGateway(history, [1]);
    // Revision 3 is written while there is no stream.
    setImmediate(() => history.push(2));
    const all = await heard(
      gateway,
      [ask("createRequest")],
      (responses) => keysOf(responses, 0n).length >= 2,
    );
    expect(keysOf(all, 0n)).toEqual(["3.0", "3.1"]);
    expect(
      gateway.opened.map((requests) => requests.map(({ requestUnion }) => requestUnion.value)),
    ).toMatchObject([[{ startRevision: 0n }], [{ startRevision: 3n }]]);
  });

  test("a watch that was left behind a compaction is cancelled with its revision", async () => {
    const gateway = new FakeGateway([1, 1, 1], [2]);
    gateway.compacted = 3n;
    const request = ask("createRequest", { startRevision: 1n });
    // The first stream tells revision 1 only.
    gateway.compacted = 0n;
    const ended = heard(gateway, [request], (responses) => responses.at(-1)?.canceled === true);
    setImmediate(() => {
      gateway.compacted = 3n;
    });
    const all = await ended;
    expect(keysOf(all, 0n)).toEqual(["1.0"]);
    expect(all.at(-1)).toMatchObject({ watchId: 0n, canceled: true, compactRevision: 3n });
  });

  test("questions and cancellations are answered by the next stream", async () => {
    const gateway = new FakeGateway([1], [1, 1]);
    const requests = [ask("createRequest"), ask("progressRequest")];
    const all = await heard(gateway, requests, (responses) =>
      responses.some(({ watchId }) => watchId === -1n),
    );
    expect(all.map(({ watchId, created }) => [watchId, created])).toEqual([
      [0n, true],
      [-1n, false],
    ]);
  });

  test("an error that no other stream mends is the client's", async () => {
    const relay = new WatchRelay({
      // biome-ignore lint/correctness/useYield: it ends before anything comes.
      open: async function* () {
        throw new ConnectError("etcdserver: invalid auth token", Code.Unauthenticated);
      },
      needsLeader: false,
    });
    const asked = (async function* () {
      yield ask("createRequest");
    })();
    const answers = relay.answers(asked, new AbortController().signal);
    await expect(answers.next()).rejects.toThrow("etcdserver: invalid auth token");
  });
});

describe("the names of watches", () => {
  test("are the client's, or rise from 0 and leave out those in use", async () => {
    const gateway = new FakeGateway([], []);
    const requests = [
      ask("createRequest", { watchId: 1n }),
      ask("createRequest"),
      ask("createRequest"),
      ask("createRequest", { watchId: 1n }),
      ask("cancelRequest", { watchId: 1n }),
    ];
    const all = await heard(gateway, requests, (responses) => responses.length >= 5);
    expect(all.map(({ watchId, created, canceled }) => [watchId, created, canceled])).toEqual([
      [1n, true, false],
      [0n, true, false],
      [2n, true, false],
      [-1n, true, true],
      [1n, false, true],
    ]);
    expect(all[3]?.cancelReason).toBe("mvcc: duplicate watch ID provided on the WatchStream");
  });

  test("more watches than one stream may have get another stream", async () => {
    const gateway = new FakeGateway([1], []);
    const requests = Array.from({ length: 600 }, () => ask("createRequest", { startRevision: 1n }));
    const all = await heard(gateway, [...requests, ask("progressRequest")], (responses) => {
      const isAsked = responses.some(({ watchId }) => watchId === -1n);
      return isAsked && responses.flatMap(({ events }) => events).length >= 600;
    });
    expect(gateway.opened.length).toBe(2);
    const created = all.filter((response) => response.created).map(({ watchId }) => watchId);
    expect(created).toEqual(requests.map((_, position) => BigInt(position)));
    expect(new Set(all.filter(({ events }) => events.length > 0).map(({ watchId }) => watchId)).size).toBe(
      600,
    );
  });
});
