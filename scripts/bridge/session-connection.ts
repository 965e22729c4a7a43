/** One session with a gateway: a WebSocket on which many calls are in flight (docs/session.md). */
import type { OutgoingHttpHeaders } from "node:http";
import { fromBinary } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import WebSocket from "ws";
import { SESSION_PROTOCOL } from "../../src/gateway/session/session-protocol.ts";
import { FromServerSchema, type Welcome } from "../../src/wire/gen/session_pb.ts";
import { SessionEnded, SessionsNotOffered } from "./session-errors.ts";
import {
  decodeFromServer,
  encodeFromClient,
  type NumberedCall,
  type ServerMessage,
  type SessionAnswer,
  type SessionCall,
} from "./session-messages.ts";
import { Unreachable } from "./unreachable.ts";

const HANDSHAKE_MS_MAX = 5_000;
/** Calls that wait for a place in the window, as a multiple of it. */
const WAITING_FACTOR = 16;
/** Bytes of a call besides its request. */
const CALL_FRAME_BYTES = 1_024;

/** Who waits for an answer; one of the two is told, and once. */
export interface SessionWaiter {
  /** The server's answer, whatever it is. */
  answered(answer: SessionAnswer): void;
  /**
   * `SessionEnded` if the call was certainly not begun, `Unreachable` if the session was lost and the call
   * may have run.
   */
  failed(error: unknown): void;
}

/** A call that was made here. */
export interface PendingCall extends NumberedCall {
  readonly waiter: SessionWaiter;
}

interface Pending extends PendingCall {
  /** 0 while it waits for a place. */
  id: number;
  /** Nobody waits for it any more. */
  isForgotten: boolean;
}

export class SessionConnection {
  readonly #socket: WebSocket;
  readonly #url: string;
  readonly #welcome: Welcome;
  readonly #ended: () => void;
  readonly #pending = new Map<number, Pending>();
  /** Calls that wait for a place, and those that leave with the next message. */
  #waiting: Pending[] = [];
  #leaving: Pending[] = [];
  #cancels: number[] = [];
  #requestBytes = 0;
  #lastId = 0;
  #receivedBytes: number;
  #toldBytes = 0;
  #isFlushDue = false;
  #isEnding = false;

  private constructor(
    socket: WebSocket,
    url: string,
    welcome: Welcome,
    receivedBytes: number,
    ended: () => void,
  ) {
    this.#socket = socket;
    this.#url = url;
    this.#welcome = welcome;
    this.#receivedBytes = receivedBytes;
    this.#ended = ended;
    socket.on("message", (data: Buffer) => this.#receive(data));
    socket.on("error", (error) => this.#lost(error));
    socket.on("close", (code, reason) => this.#lost(`closed with ${code} ${reason.toString()}`));
  }

  /**
   * Resolves when the server has said what it takes. Rejects with `SessionsNotOffered` if it has no
   * sessions, with `Unreachable` if it cannot be reached. `ended` is told once no call should be made here
   * any more.
   */
  static open(url: string, headers: OutgoingHttpHeaders, ended: () => void): Promise<SessionConnection> {
    const address = `${url.replace(/^http/, "ws")}/session`;
    return new Promise((opened, failed) => {
      const socket = new WebSocket(address, [SESSION_PROTOCOL], {
        headers,
        perMessageDeflate: false,
        handshakeTimeout: HANDSHAKE_MS_MAX,
        skipUTF8Validation: true,
      });
      const fail = (error: Error): void => {
        socket.terminate();
        failed(error);
      };
      const broken = (cause: unknown): void => fail(new Unreachable(url, cause));
      socket.once("unexpected-response", (_request, response) => {
        response.resume();
        fail(new SessionsNotOffered(url, response.statusCode ?? 0));
      });
      socket.on("error", broken);
      socket.once("close", broken);
      socket.once("message", (data: Buffer) => {
        const { welcome } = fromBinary(FromServerSchema, data);
        if (welcome === undefined) {
          fail(new SessionsNotOffered(url, 0));
          return;
        }
        socket.off("error", broken);
        socket.off("close", broken);
        opened(new SessionConnection(socket, url, welcome, data.length, ended));
      });
    });
  }

  /** Calls under way or waiting. */
  get load(): number {
    return this.#pending.size + this.#waiting.length;
  }

  /** How many may be under way. */
  get window(): number {
    return this.#welcome.callsMax;
  }

  /** Bytes of the largest request that fits. */
  get requestBytesMax(): number {
    return Math.min(this.#welcome.messageBytesMax - CALL_FRAME_BYTES, this.#welcome.requestBytesMax);
  }

  get isOpen(): boolean {
    return !this.#isEnding;
  }

  /** The server's answer, whatever it is. Rejects as a waiter is told, and with the signal's reason. */
  call(call: SessionCall, signal: AbortSignal): Promise<SessionAnswer> {
    return new Promise((resolve, reject) => {
      const gone = (): void => {
        this.cancel(pending);
        reject(signal.reason);
      };
      const done = (): void => signal.removeEventListener("abort", gone);
      signal.addEventListener("abort", gone, { once: true });
      const pending = this.begin(call, {
        answered: (answer) => {
          done();
          resolve(answer);
        },
        failed: (error) => {
          done();
          reject(error);
        },
      });
    });
  }

  /** Makes a call; `waiter` is told of its end, never before this returns. */
  begin(call: SessionCall, waiter: SessionWaiter): PendingCall {
    const pending: Pending = { call, waiter, id: 0, isForgotten: false };
    if (this.#isEnding) queueMicrotask(() => waiter.failed(new SessionEnded()));
    else if (this.#waiting.length >= WAITING_FACTOR * this.window) {
      const error = new ConnectError("too many calls wait for the gateway", Code.ResourceExhausted);
      queueMicrotask(() => waiter.failed(error));
    } else {
      this.#waiting.push(pending);
      this.#beginWaiting();
    }
    return pending;
  }

  /** Nobody waits for it any more, and nobody is told; its place is free when the server says so. */
  cancel({ id, waiter }: PendingCall): void {
    const pending = this.#pending.get(id);
    if (id === 0) this.#waiting = this.#waiting.filter((waiting) => waiting.waiter !== waiter);
    else if (pending?.isForgotten === false) {
      pending.isForgotten = true;
      this.#cancels.push(id);
      this.#flushSoon();
    }
  }

  /** The gateway says nothing any more: nobody waits for it. */
  abandon(error: unknown): void {
    const all = [...this.#pending.values(), ...this.#waiting].filter(({ isForgotten }) => !isForgotten);
    for (const pending of all) {
      this.cancel(pending);
      pending.waiter.failed(error);
    }
  }

  close(): void {
    this.#end();
    this.#socket.close();
  }

  #beginWaiting(): void {
    while (this.#waiting.length > 0 && this.#pending.size < this.#welcome.callsMax) {
      const [next] = this.#waiting;
      const bytes = next?.call.request.length ?? 0;
      const isFull = this.#requestBytes > 0 && this.#requestBytes + bytes > this.#welcome.requestBytesMax;
      if (next === undefined || isFull) return;
      this.#waiting.shift();
      this.#begin(next);
    }
  }

  #begin(pending: Pending): void {
    this.#lastId += 1;
    pending.id = this.#lastId;
    this.#requestBytes += pending.call.request.length;
    this.#pending.set(this.#lastId, pending);
    this.#leaving.push(pending);
    this.#flushSoon();
  }

  /** What is asked in one round of the event loop leaves together. */
  #flushSoon(): void {
    if (this.#isFlushDue) return;
    this.#isFlushDue = true;
    setImmediate(() => this.#flush());
  }

  #flush(): void {
    this.#isFlushDue = false;
    if (this.#socket.readyState !== WebSocket.OPEN) return;
    do {
      let bytes = 0;
      let count = 0;
      for (const { call } of this.#leaving) {
        const { request, metadata } = call;
        bytes += request.length + CALL_FRAME_BYTES + metadataBytes(metadata);
        if (count > 0 && bytes > this.#welcome.messageBytesMax) break;
        count += 1;
      }
      const calls = this.#leaving.splice(0, count);
      this.#toldBytes = this.#receivedBytes;
      const message = encodeFromClient(calls, this.#cancels, this.#receivedBytes);
      this.#cancels = [];
      this.#socket.send(message);
    } while (this.#leaving.length > 0);
  }

  #receive(data: Buffer): void {
    this.#receivedBytes += data.length;
    let message: ServerMessage;
    try {
      message = decodeFromServer(data);
    } catch (error) {
      this.#socket.terminate();
      this.#lost(error);
      return;
    }
    for (const answer of message.answers) this.#answer(answer);
    for (const text of message.problems) {
      // It and this client do not understand each other: what is in flight has no answer to wait for.
      this.#lost(text);
      this.#socket.close();
    }
    if (message.isGoodbye) this.#end();
    if (this.#receivedBytes - this.#toldBytes > this.#welcome.untakenBytesMax / 4) this.#flushSoon();
    this.#beginWaiting();
  }

  #answer(answer: SessionAnswer): void {
    const pending = this.#pending.get(answer.id);
    if (pending === undefined) return;
    this.#pending.delete(answer.id);
    this.#requestBytes -= pending.call.request.length;
    if (!pending.isForgotten) pending.waiter.answered(answer);
  }

  /** No further calls here: those that wait go elsewhere. */
  #end(): void {
    if (this.#isEnding) return;
    this.#isEnding = true;
    this.#ended();
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const { waiter } of waiting) waiter.failed(new SessionEnded());
  }

  #lost(cause: unknown): void {
    this.#end();
    const pending = [...this.#pending];
    this.#pending.clear();
    const unsent = new Set(this.#leaving.map(({ id }) => id));
    this.#leaving = [];
    for (const [id, { waiter, isForgotten }] of pending) {
      if (isForgotten) continue;
      waiter.failed(unsent.has(id) ? new SessionEnded() : new Unreachable(this.#url, cause));
    }
  }
}

function metadataBytes(metadata: Readonly<Record<string, string>>): number {
  let bytes = 0;
  for (const name in metadata) bytes += name.length + 3 * (metadata[name]?.length ?? 0);
  return bytes;
}
