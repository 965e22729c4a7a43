/** The server's side of a session with a client that this test plays by hand. */
import { create, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import type { Clock } from "../../../src/gateway/ports.ts";
import { Session } from "../../../src/gateway/session/session.ts";
import {
  type Answer,
  AnswerSchema,
  type Call,
  CallSchema,
  FromClientSchema,
  type FromServer,
  FromServerSchema,
} from "../../../src/wire/gen/session_pb.ts";

/** Time passes when the test says so. */
export class ManualClock implements Clock {
  #nowMs = 0;
  #sleepers: { readonly untilMs: number; readonly wake: () => void }[] = [];

  nowMs(): number {
    return this.#nowMs;
  }

  sleep(durationMs: number): Promise<void> {
    return new Promise((wake) => this.#sleepers.push({ untilMs: this.#nowMs + durationMs, wake }));
  }

  async pass(durationMs: number): Promise<void> {
    await settled();
    const endMs = this.#nowMs + durationMs;
    for (;;) {
      const due = this.#sleepers
        .filter(({ untilMs }) => untilMs <= endMs)
        .sort((a, b) => a.untilMs - b.untilMs)[0];
      if (due === undefined) break;
      this.#nowMs = Math.max(this.#nowMs, due.untilMs);
      this.#sleepers = this.#sleepers.filter((sleeper) => sleeper !== due);
      due.wake();
      await settled();
    }
    this.#nowMs = endMs;
  }
}

/** Everything that follows from what happened so far has happened. */
export function settled(): Promise<void> {
  return new Promise((done) => setImmediate(done));
}

export class SessionHarness {
  readonly clock = new ManualClock();
  readonly told: FromServer[] = [];
  readonly served: Call[] = [];
  closed: { readonly code: number; readonly reason: string } | null = null;
  replicaCalls = 0;
  sentBytes = 0;
  readonly session: Session;
  readonly #ends = new Map<number, (answer: Answer) => void>();

  constructor() {
    this.session = new Session({
      socket: {
        send: (bytes) => {
          this.sentBytes += bytes.length;
          this.told.push(fromBinary(FromServerSchema, bytes));
        },
        close: (code, reason) => {
          this.closed = { code, reason };
        },
      },
      serve: (call) => {
        this.served.push(call);
        return new Promise((answered) => this.#ends.set(call.id, answered));
      },
      replicaCalls: () => this.replicaCalls,
      clock: this.clock,
    });
    this.session.run().catch(() => undefined);
  }

  /** Every answer so far, in the order of arrival. */
  get answers(): readonly Answer[] {
    return this.told.flatMap(({ answers }) => answers);
  }

  get problems(): readonly string[] {
    return this.told.flatMap(({ problems }) =>
      problems.map(({ messageNumber, callNumber, text }) => `${messageNumber}.${callNumber} ${text}`),
    );
  }

  get goodbye() {
    return this.told.find(({ goodbye }) => goodbye !== undefined)?.goodbye;
  }

  answer(id: number): Answer | undefined {
    return this.answers.find((answer) => answer.id === id);
  }

  send(message: MessageInitShape<typeof FromClientSchema>): void {
    this.raw(toBinary(FromClientSchema, create(FromClientSchema, message)));
  }

  raw(bytes: Uint8Array): void {
    this.session.receive(Uint8Array.from(bytes).buffer);
  }

  calls(...ids: readonly number[]): void {
    this.send({ calls: ids.map((id) => ({ id, path: "/p" })) });
  }

  /** The call is served. */
  async end(id: number, response = new Uint8Array(0)): Promise<void> {
    this.#ends.get(id)?.(create(AnswerSchema, { id, response }));
    await settled();
  }
}

/** A call's bytes as they are in a message. */
export function callBytes(call: MessageInitShape<typeof CallSchema>): Uint8Array {
  return toBinary(CallSchema, create(CallSchema, call));
}

/** A message whose calls are any bytes. */
export function messageOf(...calls: readonly Uint8Array[]): Uint8Array {
  // Field 1, length-delimited; these are short.
  return Uint8Array.from(calls.flatMap((call) => [10, call.length, ...call]));
}
