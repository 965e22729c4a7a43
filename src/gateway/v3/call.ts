import type { ReplicaHeader } from "../../engine/replica-api.ts";
import type { RouteChoice } from "../leader-router.ts";
import type { Services } from "../services.ts";
import type { V3Refusal } from "./refusal.ts";

/** Who waits for an answer. */
export interface Client {
  /** Aborted when nobody waits any more. */
  readonly signal: AbortSignal;
  /** What the client's own deadline leaves; null without one. */
  readonly timeoutMs: number | null;
  /** Told when the answer may take as long as the client waits; `headers` are those that it will have. */
  readonly waits?: (headers: Readonly<Record<string, string>>) => void;
  /** Lets `work` end though the client may have gone. */
  readonly outlive: (work: Promise<unknown>) => void;
}

/** One request of the v3 API on its way to the replicas. */
export interface V3Call<Request> {
  readonly request: Request;
  readonly services: Services;
  readonly choice: RouteChoice;
  /** Where the client found this cluster: what `/v3/...` is below. */
  readonly baseUrl: string;
  readonly client: Client;
  /** The client set a deadline of its own. */
  readonly hasDeadline: boolean;
  /** Ids for the write that this request is; always the same one if the client chose it. */
  readonly operationId: () => Uint8Array;
  /** The client chose the id: an earlier request may have carried the same write. */
  readonly mayRepeat: boolean;
}

/** What a request of the v3 API came to. */
export type V3Outcome<Message> =
  | {
      readonly kind: "answered";
      readonly message: Message;
      readonly origin: ReplicaHeader;
      /** HTTP headers for what the message has no place for. */
      readonly headers?: Readonly<Record<string, string>>;
    }
  | V3Refusal;
