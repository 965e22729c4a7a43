/**
 * Histories as JSON lines: `{process, id, op, key, args, call, return, outcome}`, one operation a line,
 * in the order of the calls. `args` holds the fields of the action, `outcome` is the outcome as it is.
 */
import type { Action, Operation, Outcome } from "./operation.ts";

type Json = Readonly<Record<string, unknown>>;

export function encodeOperation(operation: Operation): string {
  const { kind, ...args } = operation.action;
  return JSON.stringify({
    process: operation.process,
    id: operation.id,
    op: kind,
    key: operation.key,
    args,
    call: operation.call,
    return: operation.return,
    outcome: operation.outcome,
  });
}

/** Reads a history back. Throws with the line number when a line is not an operation. */
export function decodeHistory(text: string): Operation[] {
  const operations: Operation[] = [];
  let lineNumber = 0;
  for (const line of text.split("\n")) {
    lineNumber += 1;
    if (line.trim() === "") continue;
    try {
      operations.push(decodeOperation(JSON.parse(line)));
    } catch (error) {
      throw new Error(`line ${lineNumber}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  return operations;
}

function decodeOperation(line: unknown): Operation {
  const json = object(line, "operation");
  const returned = field(json, "return");
  return {
    process: number(json, "process"),
    id: number(json, "id"),
    key: text(json, "key"),
    action: decodeAction(text(json, "op"), object(field(json, "args") ?? {}, "args")),
    call: number(json, "call"),
    return: returned === null || returned === undefined ? null : number(json, "return"),
    outcome: decodeOutcome(object(field(json, "outcome"), "outcome")),
  };
}

function decodeAction(op: string, args: Json): Action {
  switch (op) {
    case "get":
      return {
        kind: "get",
        consistency: field(args, "consistency") === "serializable" ? "serializable" : "linearizable",
      };
    case "put":
      return { kind: "put", value: text(args, "value") };
    case "cas":
      return { kind: "cas", value: text(args, "value"), expected: number(args, "expected") };
    case "delete": {
      const unconditional = field(args, "expected") === null || field(args, "expected") === undefined;
      return { kind: "delete", expected: unconditional ? null : number(args, "expected") };
    }
    default:
      throw new Error(`unknown op ${JSON.stringify(op)}`);
  }
}

function decodeOutcome(json: Json): Outcome {
  const kind = field(json, "kind");
  switch (kind) {
    case "found":
      return {
        kind,
        value: text(json, "value"),
        modRevision: number(json, "modRevision"),
        revision: number(json, "revision"),
      };
    case "refused":
      return { kind, modRevision: number(json, "modRevision"), revision: number(json, "revision") };
    case "missing":
    case "written":
    case "deleted":
    case "nothing-deleted":
      return { kind, revision: number(json, "revision") };
    case "failed":
    case "unknown":
      return { kind, reason: text(json, "reason") };
    default:
      throw new Error(`unknown outcome ${JSON.stringify(kind)}`);
  }
}

function object(value: unknown, name: string): Json {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new Error(`${name} must be an object`);
  }
  return value as Json;
}

function field(json: Json, name: string): unknown {
  return json[name];
}

function number(json: Json, name: string): number {
  const value = field(json, name);
  if (typeof value !== "number" || !Number.isFinite(value)) throw new Error(`${name} must be a number`);
  return value;
}

function text(json: Json, name: string): string {
  const value = field(json, name);
  if (typeof value !== "string") throw new Error(`${name} must be a string`);
  return value;
}
