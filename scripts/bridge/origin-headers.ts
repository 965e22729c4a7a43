/** The headers of an answer from a session: made once for all that come from where the last one came from. */
import { type OutgoingHttpHeaders, sensitiveHeaders } from "node:http2";
import { GRPC_HEADERS } from "./grpc-frames.ts";
import type { SessionOrigin } from "./session-messages.ts";

const REVISION = "x-edged-revision";
/** It differs each time: in the table of headers that both sides keep it would only drive out what repeats. */
const NOT_KEPT = [REVISION];

export class OriginHeaders {
  #term = "";
  #replica = "";
  #leader = "";
  #headers: OutgoingHttpHeaders = GRPC_HEADERS;

  of(origin: SessionOrigin | null): OutgoingHttpHeaders {
    if (origin === null) return GRPC_HEADERS;
    const { revision, term, replica, leader } = origin;
    if (term !== this.#term || replica !== this.#replica || leader !== this.#leader) {
      [this.#term, this.#replica, this.#leader] = [term, replica, leader];
      this.#headers = {
        ...GRPC_HEADERS,
        "x-edged-term": term,
        "x-edged-replica": replica,
        ...(leader === "" ? {} : { "x-edged-leader": leader }),
      };
    }
    return { ...this.#headers, [REVISION]: revision, [sensitiveHeaders]: NOT_KEPT };
  }
}
