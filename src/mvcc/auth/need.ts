import type { Interval } from "../interval.ts";

/** One thing that whoever asks must have, or be. `root` has everything but what is the group's own. */
export type Need =
  /** Signed in, as anybody. */
  | { readonly kind: "user" }
  /** A permission on all of the interval. */
  | { readonly kind: "read" | "write"; readonly interval: Interval }
  /** A permission on every key that is attached to the lease at the moment. */
  | { readonly kind: "read-attached" | "write-attached"; readonly lease: bigint }
  /** To be this user. */
  | { readonly kind: "be-user"; readonly name: string }
  /** To have this role. */
  | { readonly kind: "have-role"; readonly name: string }
  /** The role "root". */
  | { readonly kind: "root" }
  /** Not for clients at all. */
  | { readonly kind: "group" };
