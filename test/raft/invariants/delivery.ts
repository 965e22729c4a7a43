/**
 * What a node makes of one message, seen from outside: two rules whose breach costs elections or
 * messages before it costs anything else.
 */
import type { Raft } from "../../../src/raft/raft.ts";
import type { NodeId } from "../../../src/raft/types.ts";
import type { Body, Frame } from "../harness/frame.ts";
import { violated } from "./violation.ts";

/** Appends that a leader has made for one follower, as far as the rules need to know. */
export interface AppendsMade {
  readonly count: number;
  /** Where the newest begins. */
  readonly previousIndex: number;
}

/** To be made before a frame is handled; the result is to be called afterwards. */
export function watchDelivery(
  { from, to, body }: Frame,
  raft: Raft,
  made: () => AppendsMade | undefined,
): () => void {
  const repeated = isRepeatedRejection(from, body, raft, made());
  const before = made()?.count ?? 0;
  return () => {
    if (mustBeAdopted(body) && raft.core.term < body.term) {
      violated(
        "term-adoption",
        `${to} heard of term ${body.term} from ${from} and stays in ${raft.core.term}`,
      );
    }
    if (repeated && (made()?.count ?? 0) > before) {
      violated("one-probe", `${to} answers a rejection that ${from} repeated with another append`);
    }
  };
}

/**
 * To be made before the call of a node to `to` is given up; the result is to be called afterwards. Whoever
 * was woken, and asked its leader in vain, campaigns without waiting for a timer.
 */
export function watchFailure({ core }: Raft, to: NodeId): () => void {
  const isAlone = core.isProbing && core.leader === to && core.promotable;
  return () => {
    if (isAlone && core.role === "follower") {
      violated("failed-probe", `${core.id} could not reach its leader ${to}, and waits`);
    }
  };
}

type WithTerm = Exclude<Body, { readonly kind: "pull" | "pulled" }>;

/** A higher term is adopted by whoever hears of it (5.1), but for ballots, which may be refused. */
function mustBeAdopted(body: Body): body is WithTerm {
  switch (body.kind) {
    case "pull":
    case "pulled":
    case "pre-vote":
    case "vote":
      return false;
    case "vote-response":
      return !body.granted;
    default:
      return true;
  }
}

/** While a leader looks for where the logs part, one append is out: only its own answer brings the next. */
function isRepeatedRejection(
  from: NodeId,
  body: Body,
  { core }: Raft,
  made: AppendsMade | undefined,
): boolean {
  return (
    body.kind === "append-response" &&
    body.rejection !== null &&
    body.term === core.term &&
    core.role === "leader" &&
    core.progress.get(from)?.state === "probe" &&
    made !== undefined &&
    body.rejection.previousIndex !== made.previousIndex
  );
}
