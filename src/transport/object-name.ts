import type { ReplicaTarget } from "../engine/replica-api.ts";

/** The Durable Object's name of one replica; the object's id follows from it in every process. */
export function replicaObjectName({ cluster, member }: ReplicaTarget): string {
  return `${cluster}/${member}`;
}
