/** A client's LeaseKeepAlive stream: each request asks a gateway by itself, the answers come in order. */
import type { MessageShape } from "@bufbuild/protobuf";
import type { HandlerContext } from "@connectrpc/connect";
import { createAsyncIterable } from "@connectrpc/connect/protocol";
import { Lease, type LeaseKeepAliveRequest } from "../../src/wire/gen/etcd/rpc_pb.ts";
import { clientError, isWorthRepeating } from "./failures.ts";
import type { StreamCalls } from "./stream-calls.ts";

type Answer = MessageShape<typeof Lease.method.leaseKeepAlive.output>;

/** Renewals of one stream under way at once: a client with many leases renews them all together. */
const CONCURRENT_MAX = 32;

export class KeepAliveRelay {
  readonly #streams: StreamCalls;
  readonly #context: HandlerContext;

  constructor(streams: StreamCalls, context: HandlerContext) {
    this.#streams = streams;
    this.#context = context;
  }

  /** Ends behind the answer to the last request, and with the first renewal that fails. */
  async *answers(requests: AsyncIterable<LeaseKeepAliveRequest>): AsyncGenerator<Answer, void> {
    const underWay: Promise<Answer>[] = [];
    const iterator = requests[Symbol.asyncIterator]();
    let next: Promise<IteratorResult<LeaseKeepAliveRequest>> | null = iterator.next();
    while (next !== null || underWay.length > 0) {
      const [oldest] = underWay;
      const mayRead: boolean = next !== null && underWay.length < CONCURRENT_MAX;
      const ready: "request" | "answer" = await first(mayRead ? next : null, oldest ?? null);
      if (ready === "request" && next !== null) {
        const request: IteratorResult<LeaseKeepAliveRequest> = await next;
        next = request.done === true ? null : iterator.next();
        if (request.done !== true) underWay.push(settledLater(this.#renew(request.value)));
      } else if (oldest !== undefined) {
        void underWay.shift();
        yield await oldest;
      }
    }
  }

  async #renew(request: LeaseKeepAliveRequest): Promise<Answer> {
    const { signal } = this.#context;
    const rpc = Lease.method.leaseKeepAlive;
    for (let attempt = 0; ; attempt += 1) {
      try {
        const answers = this.#streams.open(rpc, createAsyncIterable([request]), this.#context, signal);
        for await (const answer of answers) return answer;
        throw new Error("the gateway gave no answer to a renewal");
      } catch (error) {
        if (signal.aborted || !(await isWorthRepeating(error, attempt, this.#streams.gateways))) {
          throw clientError(error);
        }
      }
    }
  }
}

/** Which of the two comes first; errors count as coming. */
async function first(
  request: Promise<unknown> | null,
  answer: Promise<unknown> | null,
): Promise<"request" | "answer"> {
  const asRequest = request?.then(
    () => "request" as const,
    () => "request" as const,
  );
  const asAnswer = answer?.then(
    () => "answer" as const,
    () => "answer" as const,
  );
  return Promise.race([asRequest, asAnswer].filter((promise) => promise !== undefined));
}

/** Its failure is looked at when its turn comes, and no failure of the process before. */
function settledLater<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => undefined);
  return promise;
}
