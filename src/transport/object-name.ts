import type { ReplicaTarget } from "../engine/replica-api.ts";

/** The Durable Object's name of one replica; the object's id follows from it in every process. */
export function replicaObjectName({ cluster, member, id }: ReplicaTarget): string {
  // A member added later may have the name of a former one, and must not be given its database.
  return id === undefined ? `${cluster}/${member}` : `${cluster}/${member}/${id}`;
}
