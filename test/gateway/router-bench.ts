/** A router and the members that it asks, which answer as a test says. */
import { expect } from "vitest";
import { toHex } from "../../src/base/bytes.ts";
import type { ProposeReply, ProposeRequest, RangeReply, ReadTxnReply } from "../../src/engine/replica-api.ts";
import { LeaderRouter, type WriteRequest } from "../../src/gateway/leader-router.ts";
import type { ReplicaDirectory } from "../../src/gateway/ports.ts";
import { FakeClock, FakeEntropy, header, status, type unavailable, watched } from "./fakes.ts";

type Answer = (member: string, request: ProposeRequest) => ProposeReply;

export const EMPTY = new Uint8Array(0);

export function applied(member: string, more = {}): ProposeReply {
  return { kind: "applied", header: header(member, more), index: 5, response: EMPTY, complete: true };
}

/** One router over three scripted members, with a log of what was asked. */
export class RouterBench {
  readonly clock = new FakeClock();
  readonly entropy = new FakeEntropy();
  /** `member method` of each call; for writes with `id@seen`. */
  readonly log: string[] = [];
  readonly timeoutsMs: number[] = [];
  propose: Answer = (member) => applied(member);
  range: (member: string, minRevision: number) => RangeReply = (member) => ({
    kind: "range",
    header: header(member),
    response: EMPTY,
  });
  readTxn: (member: string) => ReadTxnReply = (member) => ({
    kind: "txn",
    header: header(member),
    response: EMPTY,
  });
  status = (member: string): ReturnType<typeof status> | ReturnType<typeof unavailable> => status(member);
  queried: (member: string) => ReturnType<typeof header> = (member) => header(member);
  readonly #ids = new FakeEntropy();

  readonly #directory: ReplicaDirectory = (_cluster, member) => ({
    propose: async (request) => {
      this.log.push(`${member} ${new TextDecoder().decode(request.command)}`);
      this.timeoutsMs.push(request.timeoutMs);
      expect(request.mayForward).toBe(true);
      return this.propose(member, request);
    },
    range: async (call) => {
      this.log.push(`${member} range`);
      this.timeoutsMs.push(call.timeoutMs);
      return this.range(member, call.minRevision);
    },
    readTxn: async (call) => {
      this.log.push(`${member} readTxn`);
      this.timeoutsMs.push(call.timeoutMs);
      return this.readTxn(member);
    },
    query: async (call) => {
      this.log.push(`${member} query`);
      this.timeoutsMs.push(call.timeoutMs);
      return { kind: "answer", header: this.queried(member), response: EMPTY };
    },
    watch: async (call) => {
      this.log.push(`${member} watch`);
      this.timeoutsMs.push(call.timeoutMs);
      return watched(header(member));
    },
    status: async () => {
      this.log.push(`${member} status`);
      return this.status(member);
    },
  });
  readonly router = new LeaderRouter(this.#directory, this.clock, this.entropy, {
    members: ["r1", "r2", "r3"],
    budgetMs: 10_000,
    attemptMs: 3_000,
  });

  /** A write whose bytes show its id and `seen`. */
  readonly request: WriteRequest = {
    operationId: () => this.#ids.bytes(1),
    encode: (id, seen) => new TextEncoder().encode(`${toHex(id)}@${seen}`),
  };

  write(pin: string | null = null) {
    return this.router.propose({ cluster: "default", pin }, this.request);
  }

  read(pin: string | null = null, kind: "linearizable" | "serializable" | "bounded" = "linearizable") {
    const freshness =
      kind === "bounded"
        ? ({ consistency: "linearizable", maxStalenessMs: 9 } as const)
        : { consistency: kind };
    const call = { request: EMPTY, ...freshness, minRevision: 0 };
    return this.router.range({ cluster: "default", pin }, call);
  }
}
