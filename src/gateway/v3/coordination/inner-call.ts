/** The calls that a lock or an election is made of, on behalf of the client that asks for it. */

import { GRPC_CODE } from "../../../wire/errors.ts";
import { freshOperationIds } from "../../operation-id.ts";
import type { V3Call } from "../call.ts";
import { refusedFor, type V3Refusal } from "../refusal.ts";

/** One of several calls: each is an operation of its own, whatever id the client chose for the whole. */
export function innerCall<Request>(call: V3Call<unknown>, request: Request): V3Call<Request> {
  return { ...call, request, operationId: freshOperationIds(call.services.entropy), mayRepeat: false };
}

/** etcd's lock and election are its own clients, and tell every refusal that they hear in this way. */
export function asUnknown(refusal: V3Refusal): V3Refusal {
  return refusal.isTransient ? refusal : { ...refusal, code: GRPC_CODE.unknown };
}

/** What nobody hears: the client has hung up, or its deadline has passed. */
export function givenUp(): V3Refusal {
  return refusedFor("deadlineExceeded");
}
