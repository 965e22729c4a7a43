/** Who asks. */
export type Actor =
  | {
      readonly kind: "client";
      /** "" for nobody in particular. */
      readonly user: string;
      /** The revision of users and roles by which `user` was found. */
      readonly authRevision: bigint;
    }
  /** The group itself, for whom no permissions are asked. */
  | { readonly kind: "group" };
