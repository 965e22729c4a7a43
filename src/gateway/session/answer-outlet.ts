/**
 * A session's way to its client: what becomes ready together leaves in one message, and nothing leaves
 * while the client has not taken enough of what left before. WebSockets of Workers do not tell how much
 * they hold, so the client does.
 */
import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { LIMITS } from "../../base/limits.ts";
import { type Answer, FromServerSchema } from "../../wire/gen/session_pb.ts";

/** About what an answer takes besides its response. */
const FRAME_BYTES = 64;

export class AnswerOutlet {
  readonly #send: (bytes: Uint8Array) => void;
  readonly #drained: () => void;
  #answers: Answer[] = [];
  #answersBytes = 0;
  #sentBytes = 0;
  #takenBytes = 0;
  #isFlushDue = false;

  /** `drained` is told whenever everything has left. */
  constructor(send: (bytes: Uint8Array) => void, drained: () => void) {
    this.#send = send;
    this.#drained = drained;
  }

  /** The client has not taken what it was sent. */
  get isHeldBack(): boolean {
    return this.#sentBytes - this.#takenBytes >= LIMITS.sessionUntakenBytesMax;
  }

  /** No more answers should be made: enough are waiting. */
  get isFull(): boolean {
    return this.#sentBytes - this.#takenBytes + this.#answersBytes >= LIMITS.sessionUntakenBytesMax;
  }

  get isEmpty(): boolean {
    return this.#answers.length === 0;
  }

  add(answer: Answer): void {
    this.#answers.push(answer);
    this.#answersBytes += bytesOf(answer);
    if (this.#isFlushDue) return;
    this.#isFlushDue = true;
    // Those that became ready in the same event join it.
    Promise.resolve()
      .then(() => undefined)
      .then(() => this.#flush())
      .catch(() => undefined);
  }

  /** Leaves at once: of these there are few, and they are small. */
  tell(message: MessageInitShape<typeof FromServerSchema>): void {
    this.#leave(message);
  }

  /** The client has taken so many bytes of all that was sent. */
  taken(bytes: number): void {
    this.#takenBytes = Math.max(this.#takenBytes, Math.min(bytes, this.#sentBytes));
    if (this.#answers.length > 0 && !this.#isFlushDue) this.#flush();
  }

  #flush(): void {
    this.#isFlushDue = false;
    let from = 0;
    while (from < this.#answers.length && !this.isHeldBack) {
      let bytes = 0;
      let to = from;
      while (to < this.#answers.length && bytes < LIMITS.sessionAnswersBytesTarget) {
        const answer = this.#answers[to];
        bytes += answer === undefined ? 0 : bytesOf(answer);
        to += 1;
      }
      this.#leave({ answers: this.#answers.slice(from, to) });
      this.#answersBytes -= bytes;
      from = to;
    }
    this.#answers = from === this.#answers.length ? [] : this.#answers.slice(from);
    if (this.isEmpty) this.#drained();
  }

  #leave(message: MessageInitShape<typeof FromServerSchema>): void {
    const bytes = toBinary(FromServerSchema, create(FromServerSchema, message));
    this.#sentBytes += bytes.length;
    this.#send(bytes);
  }
}

function bytesOf({ response, message }: Answer): number {
  return FRAME_BYTES + response.length + message.length;
}
