/** The slices of one backup, from one replica, one after another. */
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import type { Rejected, ReplicaHeader } from "../../engine/replica-api.ts";
import { type BackupSlice, BackupSliceSchema, QuerySchema } from "../../wire/gen/edged_pb.ts";
import type { LeaderRouter, RouteChoice, RouteFailure } from "../leader-router.ts";

export interface ReadSlice {
  readonly kind: "slice";
  readonly slice: BackupSlice;
  readonly header: ReplicaHeader;
}

export class BackupReader {
  readonly #router: LeaderRouter;
  readonly #choice: RouteChoice;
  #session = "";
  #slices = 0;
  #member: string | null = null;

  constructor(router: LeaderRouter, choice: RouteChoice) {
    this.#router = router;
    this.#choice = choice;
  }

  /** The next slice; not to be called after the last one. */
  async next(): Promise<ReadSlice | Rejected | RouteFailure> {
    const isFirst = this.#member === null;
    const value = { session: this.#session, slices: this.#slices };
    const query = create(QuerySchema, { request: { case: "backup", value } });
    const choice = isFirst ? this.#choice : { ...this.#choice, pin: this.#member };
    const outcome = await this.#router.query(choice, {
      request: toBinary(QuerySchema, query),
      // All that was acknowledged before is in the backup; its rows then stand still.
      consistency: isFirst ? "linearizable" : "serializable",
      minRevision: 0,
    });
    if (outcome.kind !== "answer") return outcome;
    const slice = fromBinary(BackupSliceSchema, outcome.response);
    this.#session = slice.session;
    this.#slices += 1;
    this.#member = outcome.header.member;
    return { kind: "slice", slice, header: outcome.header };
  }
}
