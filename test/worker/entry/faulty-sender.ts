/** A sender that loses calls and answers as the rules of the moment say, and notes who leads. */
import type {
  PeerAddress,
  PeerAnswer,
  PeerEnvelope,
  PullAnswer,
  PullRequest,
  ReadIndexAnswer,
} from "../../../src/engine/peer-api.ts";
import type { Answered, PeerSender } from "../../../src/engine/ports.ts";
import type { ProposeReply, ProposeRequest } from "../../../src/engine/replica-api.ts";
import type { Roster } from "../../../src/engine/roster.ts";
import type { Faults } from "./faults.ts";
import type { LeaderLedger } from "./leader-ledger.ts";

/** No member has this id: the real sender reports such a call as lost, and re-arms the timers. */
const NOBODY = "nobody";

export interface FaultySenderParts {
  readonly inner: PeerSender;
  readonly self: string;
  readonly roster: Roster;
  readonly faults: Faults;
  readonly ledger: LeaderLedger;
  /** A lost call is noticed after so long, as by a deadline. */
  readonly lossMs: number;
}

export class FaultySender implements PeerSender {
  readonly #parts: FaultySenderParts;

  constructor(parts: FaultySenderParts) {
    this.#parts = parts;
  }

  deliver(envelope: PeerEnvelope, answered: Answered<PeerAnswer>): void {
    const { inner, self, ledger } = this.#parts;
    for (const message of envelope.messages) ledger.sent(self, message);
    this.#call(envelope.address.to, answered, (to, handle) =>
      inner.deliver({ ...envelope, address: { ...envelope.address, to } }, handle),
    );
  }

  readIndex(address: PeerAddress, answered: Answered<ReadIndexAnswer>): void {
    this.#call(address.to, answered, (to, handle) => this.#parts.inner.readIndex({ ...address, to }, handle));
  }

  pull(request: PullRequest, answered: Answered<PullAnswer>): void {
    this.#call(request.address.to, answered, (to, handle) =>
      this.#parts.inner.pull({ ...request, address: { ...request.address, to } }, handle),
    );
  }

  propose(receiver: string, request: ProposeRequest, answered: Answered<ProposeReply>): void {
    this.#call(receiver, answered, (to, handle) => this.#parts.inner.propose(to, request, handle));
  }

  /** `call` makes the real call to the id it is given. */
  #call<T>(receiver: string, answered: Answered<T>, call: (to: string, handle: Answered<T>) => void): void {
    const { self, roster, faults, lossMs } = this.#parts;
    faults.calls += 1;
    const name = roster.placeOf(receiver)?.name ?? NOBODY;
    if (faults.isCut(self, name)) {
      setTimeout(() => call(NOBODY, answered), lossMs);
      return;
    }
    const handle: Answered<T> = (now, answer) => answered(now, faults.isCut(name, self) ? null : answer);
    const [first = 0, ...copies] = faults.delaysMs();
    if (first === 0) call(receiver, handle);
    else setTimeout(() => call(receiver, handle), first);
    // The network brings a copy; nobody waits for its answer.
    for (const delayMs of copies) setTimeout(() => call(receiver, () => undefined), delayMs);
  }
}
