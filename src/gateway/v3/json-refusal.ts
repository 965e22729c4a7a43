import type { ErrorKey } from "../../wire/errors.ts";

/** Why a JSON body is no request. */
export type JsonRefusal =
  /** Not JSON, or of wrong types: Go's words for it. */
  | { readonly kind: "unreadable"; readonly message: string }
  /** Readable by etcd, but beyond a limit that etcd would have found later. */
  | { readonly kind: "beyond-limit"; readonly error: ErrorKey };

export function unreadable(message: string): JsonRefusal {
  return { kind: "unreadable", message };
}

/** The words of Go's `json.UnmarshalTypeError`. */
export function wrongType(found: string, goType: string): JsonRefusal {
  return unreadable(`json: cannot unmarshal ${found} into Go value of type ${goType}`);
}
