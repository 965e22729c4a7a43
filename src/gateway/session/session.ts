/** The server's side of one session: which calls may begin, who is answered, and when it ends. */
import { create } from "@bufbuild/protobuf";
import { LIMITS } from "../../base/limits.ts";
import { GRPC_CODE } from "../../wire/errors.ts";
import { type Answer, AnswerSchema, type Call } from "../../wire/gen/session_pb.ts";
import type { Clock } from "../ports.ts";
import { AnswerOutlet } from "./answer-outlet.ts";
import { idOf, readCall, readMessage } from "./session-protocol.ts";

/** The WebSocket. */
export interface SessionSocket {
  send(bytes: Uint8Array): void;
  close(code: number, reason: string): void;
}

export interface SessionParts {
  readonly socket: SessionSocket;
  /** Never rejects. */
  readonly serve: (call: Call) => Promise<Answer>;
  /** Calls made to replicas so far. */
  readonly replicaCalls: () => number;
  readonly clock: Clock;
}

interface InFlight {
  readonly call: Call;
  isWanted: boolean;
}

/** WebSocket's codes for an end as agreed, and for one that the client's behaviour leads to. */
const NORMAL = 1_000;
const POLICY = 1_008;

/** gRPC's code. */
const CANCELLED = 1;

export class Session {
  readonly #parts: SessionParts;
  readonly #outlet: AnswerOutlet;
  readonly #inFlight = new Map<number, InFlight>();
  /** Of those in flight, the ones that wait until the client takes more answers. */
  #held: Call[] = [];
  #requestBytes = 0;
  #lastId = 0;
  #messages = 0;
  #problems = 0;
  /** No call beyond this one is taken any more; null while all are. */
  #endsAfter: number | null = null;
  #isClosed = false;
  readonly #beganAtMs: number;
  /** When something was last heard or told. */
  #activeAtMs: number;
  #endsAtMs = Number.POSITIVE_INFINITY;

  constructor(parts: SessionParts) {
    this.#parts = parts;
    this.#beganAtMs = parts.clock.nowMs();
    this.#activeAtMs = this.#beganAtMs;
    this.#outlet = new AnswerOutlet(
      (bytes) => this.#send(bytes),
      () => this.#closeWhenDone(),
    );
  }

  /** Says who is there, and keeps the time from now on; resolves when the session is over. */
  async run(): Promise<void> {
    this.#outlet.tell({
      welcome: {
        callsMax: LIMITS.sessionCallsMax,
        requestBytesMax: LIMITS.sessionRequestBytesMax,
        messageBytesMax: LIMITS.sessionMessageBytesMax,
        untakenBytesMax: LIMITS.sessionUntakenBytesMax,
        idleMs: LIMITS.sessionIdleMs,
      },
    });
    const { clock } = this.#parts;
    while (!this.#isClosed) {
      // Looking this often is often enough for all of them; idle sessions are the only ones that wait.
      await clock.sleep(LIMITS.sessionIdleMs / 4);
      this.#look(clock.nowMs());
    }
  }

  /** The client's next message. */
  receive(data: ArrayBuffer | string): void {
    this.#activeAtMs = this.#parts.clock.nowMs();
    this.#messages += 1;
    if (typeof data === "string") {
      this.#problem(0, "the message is text: calls come in binary messages");
      return;
    }
    if (data.byteLength > LIMITS.sessionMessageBytesMax) {
      const text = `the message has ${data.byteLength} bytes, at most ${LIMITS.sessionMessageBytesMax} are taken`;
      this.#problem(0, text);
      return;
    }
    const message = readMessage(new Uint8Array(data));
    if (!message.ok) {
      this.#problem(0, `the message is not a FromClient: ${message.error}`);
      return;
    }
    this.#outlet.taken(message.value.takenBytes);
    for (const id of message.value.cancels) this.#cancel(id);
    message.value.calls.forEach((bytes, place) => {
      this.#take(bytes, place + 1);
    });
    this.#beginHeld();
  }

  /** The WebSocket is gone: calls in flight end for themselves. */
  closed(): void {
    this.#isClosed = true;
    this.#held = [];
    this.#inFlight.clear();
  }

  #take(bytes: Uint8Array, callNumber: number): void {
    const read = readCall(bytes);
    const id = read.ok ? read.value.id : idOf(bytes);
    if (id === null || id <= this.#lastId) {
      const above = `the id ${id} is not above ${this.#lastId}, that of the call before`;
      this.#problem(callNumber, read.ok ? above : `the call cannot be read: ${read.error}`);
      return;
    }
    this.#lastId = id;
    if (!read.ok) this.#refuse(id, GRPC_CODE.invalidArgument, `the call cannot be read: ${read.error}`);
    else if (this.#mayBegin(id, read.value.request.length)) this.#admit(read.value);
  }

  #mayBegin(id: number, bytes: number): boolean {
    const { sessionCallsMax, sessionRequestBytesMax } = LIMITS;
    if (this.#endsAfter !== null && id > this.#endsAfter) {
      this.#refuse(id, GRPC_CODE.unavailable, "the session is ending: make the call in another one");
      return false;
    }
    if (this.#inFlight.size >= sessionCallsMax) {
      const text = `${sessionCallsMax} calls are in flight in this session, and no more are taken`;
      this.#refuse(id, GRPC_CODE.resourceExhausted, text);
      return false;
    }
    if (this.#requestBytes + bytes > sessionRequestBytesMax) {
      const text = `the calls in flight have ${this.#requestBytes} bytes of requests, and no more than ${sessionRequestBytesMax} are taken`;
      this.#refuse(id, GRPC_CODE.resourceExhausted, text);
      return false;
    }
    return true;
  }

  #admit(call: Call): void {
    this.#requestBytes += call.request.length;
    this.#inFlight.set(call.id, { call, isWanted: true });
    if (this.#outlet.isFull) this.#held.push(call);
    else this.#begin(call);
  }

  #begin(call: Call): void {
    this.#parts
      .serve(call)
      .then((answer) => this.#ended(call, answer))
      .catch(() => undefined);
  }

  #ended(call: Call, answer: Answer): void {
    const found = this.#inFlight.get(call.id);
    if (found === undefined) return;
    this.#inFlight.delete(call.id);
    this.#requestBytes -= call.request.length;
    this.#outlet.add(found.isWanted ? answer : cancelled(call.id));
    this.#beginHeld();
    if (this.#parts.replicaCalls() >= LIMITS.sessionReplicaCallsMax)
      this.#goodbye("it has served enough calls");
    else this.#closeWhenDone();
  }

  #beginHeld(): void {
    while (this.#held.length > 0 && !this.#outlet.isFull) {
      const call = this.#held.shift();
      if (call !== undefined) this.#begin(call);
    }
  }

  #cancel(id: number): void {
    const found = this.#inFlight.get(id);
    if (found === undefined) return;
    found.isWanted = false;
    // What was not begun need not be.
    if (!this.#held.includes(found.call)) return;
    this.#held = this.#held.filter((call) => call !== found.call);
    this.#ended(found.call, cancelled(id));
  }

  #refuse(id: number, code: number, message: string): void {
    this.#outlet.add(create(AnswerSchema, { id, code, message, notBegun: true }));
  }

  #problem(callNumber: number, text: string): void {
    this.#problems += 1;
    this.#outlet.tell({ problems: [{ messageNumber: this.#messages, callNumber, text }] });
    if (this.#problems >= LIMITS.sessionProblemsMax) this.#close(POLICY, "too much was not understood");
  }

  #look(nowMs: number): void {
    if (this.#isClosed) return;
    const quietMs = nowMs - this.#activeAtMs;
    if (this.#inFlight.size === 0 && this.#outlet.isEmpty && quietMs >= LIMITS.sessionIdleMs) {
      this.#goodbye("nothing was asked for some time");
    } else if (this.#outlet.isHeldBack && quietMs >= LIMITS.sessionStalledMs) {
      this.#close(POLICY, "the client takes no answers");
    } else if (nowMs - this.#beganAtMs >= LIMITS.sessionAgeMsMax) {
      this.#goodbye("it has lasted long enough");
    }
    if (nowMs >= this.#endsAtMs) this.#close(NORMAL, "calls in flight took too long");
  }

  /** From now on calls belong into another session; those that are here end in this one. */
  #goodbye(reason: string): void {
    if (this.#endsAfter === null && !this.#isClosed) {
      this.#endsAfter = this.#lastId;
      this.#endsAtMs = this.#parts.clock.nowMs() + LIMITS.sessionDrainMs;
      this.#outlet.tell({ goodbye: { lastId: this.#lastId, reason } });
    }
    this.#closeWhenDone();
  }

  #closeWhenDone(): void {
    const isDone = this.#endsAfter !== null && this.#inFlight.size === 0 && this.#outlet.isEmpty;
    if (isDone) this.#close(NORMAL, "the session is over");
  }

  #close(code: number, reason: string): void {
    if (this.#isClosed) return;
    this.closed();
    this.#parts.socket.close(code, reason);
  }

  #send(bytes: Uint8Array): void {
    if (this.#isClosed) return;
    try {
      this.#parts.socket.send(bytes);
    } catch {
      // It is gone; the platform tells that too.
      this.closed();
    }
  }
}

/** Nobody waits for it, but its place in the window is free again. */
function cancelled(id: number): Answer {
  return create(AnswerSchema, { id, code: CANCELLED, message: "the call was cancelled" });
}
