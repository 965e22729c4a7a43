/** Builds commands and drives a state machine the way the engine does: one transaction an entry. */
import { create, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import type { Sql } from "../../src/base/sql.ts";
import type { ApplyOutcome, ApplyResult } from "../../src/mvcc/apply-outcome.ts";
import { INITIAL_MVCC_STATE, type MvccState } from "../../src/mvcc/mvcc-state.ts";
import { createSchema } from "../../src/mvcc/schema.ts";
import { StateMachine } from "../../src/mvcc/state-machine.ts";
import { NodeSql } from "../../src/storage/node-sql.ts";
import { encodeBatch } from "../../src/wire/batch.ts";
import { type Command, CommandSchema } from "../../src/wire/gen/edged_pb.ts";
import {
  CompactionRequestSchema,
  CompactionResponseSchema,
  DeleteRangeRequestSchema,
  DeleteRangeResponseSchema,
  PutRequestSchema,
  PutResponseSchema,
  RangeRequestSchema,
  type RangeResponse,
  TxnRequestSchema,
  TxnResponseSchema,
} from "../../src/wire/gen/etcd/rpc_pb.ts";
import { utf8 } from "../../src/wire/text.ts";

export const bytes = utf8;

export function putOf(request: MessageInitShape<typeof PutRequestSchema>, id?: OperationId): Command {
  return create(CommandSchema, { ...id, request: { case: "put", value: create(PutRequestSchema, request) } });
}

export function deleteOf(
  request: MessageInitShape<typeof DeleteRangeRequestSchema>,
  id?: OperationId,
): Command {
  const value = create(DeleteRangeRequestSchema, request);
  return create(CommandSchema, { ...id, request: { case: "deleteRange", value } });
}

export function txnOf(request: MessageInitShape<typeof TxnRequestSchema>, id?: OperationId): Command {
  return create(CommandSchema, { ...id, request: { case: "txn", value: create(TxnRequestSchema, request) } });
}

export function compactOf(revision: number, id?: OperationId): Command {
  const value = create(CompactionRequestSchema, { revision: BigInt(revision) });
  return create(CommandSchema, { ...id, request: { case: "compaction", value } });
}

export interface OperationId {
  readonly opId: Uint8Array;
  readonly seen: bigint;
}

export function operationId(number: number, seen: number): OperationId {
  const opId = new Uint8Array(16);
  new DataView(opId.buffer).setFloat64(0, number + 1);
  return { opId, seen: BigInt(seen) };
}

/** The data of a log entry. */
export function dataOf(commands: readonly Command[]): Uint8Array {
  return encodeBatch(commands.map((command) => toBinary(CommandSchema, command)));
}

/** A replica's store: the tables, the stored counters, and the instance built from them. */
export class Store {
  readonly sql: Sql;
  machine: StateMachine;
  #index = 0;
  #stored: MvccState;

  constructor(sql: Sql = new NodeSql(), state: MvccState = INITIAL_MVCC_STATE) {
    this.sql = sql;
    createSchema(sql);
    this.#stored = state;
    this.machine = new StateMachine(sql, state);
  }

  /** One log entry with these commands. */
  apply(...commands: readonly Command[]): ApplyResult {
    return this.applyData(dataOf(commands));
  }

  applyData(data: Uint8Array): ApplyResult {
    this.#index += 1;
    const result = this.sql.transaction(() => this.machine.apply(this.#index, data));
    this.#stored = this.machine.state();
    return result;
  }

  /** What a restart does: a new instance from what is stored. */
  reload(): void {
    this.machine = new StateMachine(this.sql, this.#stored);
  }

  collect(rows: number): boolean {
    return this.sql.transaction(() => this.machine.collectGarbage(rows));
  }

  /** One command whose outcome is readable: the decoded response, or the error's key. */
  do(command: Command): unknown {
    const outcome = this.apply(command).outcomes[0];
    return outcome === undefined ? undefined : readable(command, outcome);
  }

  range(request: MessageInitShape<typeof RangeRequestSchema>): RangeResponse | string {
    const result = this.machine.range(create(RangeRequestSchema, request));
    return result.ok ? result.value : result.error;
  }
}

export function readable(command: Command, outcome: ApplyOutcome): unknown {
  switch (outcome.kind) {
    case "rejected":
      return outcome.error;
    case "superseded":
      return "superseded";
    case "applied":
      return decodeResponse(command, outcome.response);
  }
}

export function decodeResponse(command: Command, response: Uint8Array): unknown {
  switch (command.request.case) {
    case "put":
      return fromBinary(PutResponseSchema, response);
    case "deleteRange":
      return fromBinary(DeleteRangeResponseSchema, response);
    case "txn":
      return fromBinary(TxnResponseSchema, response);
    case "compaction":
      return fromBinary(CompactionResponseSchema, response);
    default:
      throw new Error("a command without a request has no response");
  }
}
