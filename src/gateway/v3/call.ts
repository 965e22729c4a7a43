import type { ReplicaHeader } from "../../engine/replica-api.ts";
import type { RouteChoice } from "../leader-router.ts";
import type { Services } from "../services.ts";
import type { V3Refusal } from "./refusal.ts";

/** One request of the v3 API on its way to the replicas. */
export interface V3Call<Request> {
  readonly request: Request;
  readonly services: Services;
  readonly choice: RouteChoice;
  /** The client set a deadline of its own. */
  readonly hasDeadline: boolean;
  /** Ids for the write that this request is; always the same one if the client chose it. */
  readonly operationId: () => Uint8Array;
}

/** What a request of the v3 API came to. */
export type V3Outcome<Message> =
  | { readonly kind: "answered"; readonly message: Message; readonly origin: ReplicaHeader }
  | V3Refusal;
