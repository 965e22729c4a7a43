/** One session with a gateway: a WebSocket on which many calls are in flight (docs/session.md). */
import type { OutgoingHttpHeaders } from "node:http";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import WebSocket from "ws";
import { SESSION_PROTOCOL } from "../../src/gateway/session/session-protocol.ts";
import {
  type Answer,
  type Call,
  CallSchema,
  FromClientSchema,
  type FromServer,
  FromServerSchema,
  type Welcome,
} from "../../src/wire/gen/session_pb.ts";
import { SessionEnded, SessionsNotOffered } from "./session-errors.ts";
import { Unreachable } from "./unreachable.ts";

const HANDSHAKE_MS_MAX = 5_000;
/** Calls that wait for a place in the window, as a multiple of it. */
const WAITING_FACTOR = 16;
/** Bytes of a call besides its request. */
const CALL_FRAME_BYTES = 1_024;

export interface SessionCall {
  /** As in gRPC: `/etcdserverpb.KV/Range`. */
  readonly path: string;
  readonly request: Uint8Array;
  readonly metadata: Readonly<Record<string, string>>;
  readonly timeoutMs: number | null;
}

interface Pending {
  readonly call: SessionCall;
  /** 0 while it waits for a place. */
  id: number;
  readonly answered: (answer: Answer) => void;
  readonly failed: (error: unknown) => void;
}

export class SessionConnection {
  readonly #socket: WebSocket;
  readonly #url: string;
  readonly #welcome: Welcome;
  readonly #ended: () => void;
  readonly #pending = new Map<number, Pending>();
  /** Calls that wait for a place, and those that leave with the next message. */
  #waiting: Pending[] = [];
  #leaving: Call[] = [];
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

  /**
   * The server's answer, whatever it is. Rejects with `SessionEnded` if the call was certainly not begun,
   * with `Unreachable` if the session was lost and the call may have run, with the signal's reason.
   */
  call(call: SessionCall, signal: AbortSignal): Promise<Answer> {
    return new Promise((resolve, reject) => {
      if (this.#isEnding) {
        reject(new SessionEnded());
        return;
      }
      if (this.#waiting.length >= WAITING_FACTOR * this.window) {
        reject(new ConnectError("too many calls wait for the gateway", Code.ResourceExhausted));
        return;
      }
      const gone = (): void => {
        this.#forget(pending);
        reject(signal.reason);
      };
      const done = (): void => signal.removeEventListener("abort", gone);
      const pending: Pending = {
        call,
        id: 0,
        answered: (answer) => {
          done();
          resolve(answer);
        },
        failed: (error) => {
          done();
          reject(error);
        },
      };
      signal.addEventListener("abort", gone, { once: true });
      this.#waiting.push(pending);
      this.#beginWaiting();
    });
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
    const { path, request, metadata, timeoutMs } = pending.call;
    this.#lastId += 1;
    pending.id = this.#lastId;
    this.#requestBytes += request.length;
    this.#pending.set(this.#lastId, pending);
    const timeout = timeoutMs === null ? 0 : Math.max(1, Math.floor(timeoutMs));
    this.#leaving.push(
      create(CallSchema, { id: this.#lastId, path, request, metadata: { ...metadata }, timeoutMs: timeout }),
    );
    this.#flushSoon();
  }

  /** Nobody waits for it any more; its place is free when the server says so. */
  #forget(pending: Pending): void {
    const { id } = pending;
    if (id === 0) this.#waiting = this.#waiting.filter((waiting) => waiting !== pending);
    else if (this.#pending.has(id)) {
      this.#cancels.push(id);
      this.#flushSoon();
    }
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
      for (const { request, metadata } of this.#leaving) {
        bytes += request.length + CALL_FRAME_BYTES + metadataBytes(metadata);
        if (count > 0 && bytes > this.#welcome.messageBytesMax) break;
        count += 1;
      }
      const calls = this.#leaving.splice(0, count);
      this.#toldBytes = this.#receivedBytes;
      const message = { calls, cancels: this.#cancels, takenBytes: BigInt(this.#receivedBytes) };
      this.#cancels = [];
      this.#socket.send(toBinary(FromClientSchema, create(FromClientSchema, message)));
    } while (this.#leaving.length > 0);
  }

  #receive(data: Buffer): void {
    this.#receivedBytes += data.length;
    let message: FromServer;
    try {
      message = fromBinary(FromServerSchema, data);
    } catch (error) {
      this.#socket.terminate();
      this.#lost(error);
      return;
    }
    for (const answer of message.answers) this.#answer(answer);
    for (const { text } of message.problems) {
      // It and this client do not understand each other: what is in flight has no answer to wait for.
      this.#lost(text);
      this.#socket.close();
    }
    if (message.goodbye !== undefined) this.#end();
    if (this.#receivedBytes - this.#toldBytes > this.#welcome.untakenBytesMax / 4) this.#flushSoon();
    this.#beginWaiting();
  }

  #answer(answer: Answer): void {
    const pending = this.#pending.get(answer.id);
    if (pending === undefined) return;
    this.#pending.delete(answer.id);
    this.#requestBytes -= pending.call.request.length;
    pending.answered(answer);
  }

  /** No further calls here: those that wait go elsewhere. */
  #end(): void {
    if (this.#isEnding) return;
    this.#isEnding = true;
    this.#ended();
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const { failed } of waiting) failed(new SessionEnded());
  }

  #lost(cause: unknown): void {
    this.#end();
    const pending = [...this.#pending];
    this.#pending.clear();
    const unsent = new Set(this.#leaving.map(({ id }) => id));
    this.#leaving = [];
    for (const [id, { failed }] of pending) {
      failed(unsent.has(id) ? new SessionEnded() : new Unreachable(this.#url, cause));
    }
  }
}

function metadataBytes(metadata: Readonly<Record<string, string>>): number {
  let bytes = 0;
  for (const name in metadata) bytes += name.length + 3 * (metadata[name]?.length ?? 0);
  return bytes;
}
