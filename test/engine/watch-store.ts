/** A replica's store and hub as its engine drives them, without the engine. */
import { create, fromBinary } from "@bufbuild/protobuf";
import type { HistoryPosition, WatchCall, WatchRange } from "../../src/engine/replica-api.ts";
import { WatchHub } from "../../src/engine/watch-hub.ts";
import { isAnswer, readWatch, type WatchFindings } from "../../src/engine/watch-reader.ts";
import { History } from "../../src/mvcc/watch/history.ts";
import type { Command } from "../../src/wire/gen/edged_pb.ts";
import { Event_EventType, EventSchema, KeyValueSchema } from "../../src/wire/gen/etcd/kv_pb.ts";
import { bytes, Store } from "../mvcc/harness.ts";

export class WatchStore {
  readonly store = new Store();
  readonly hub = new WatchHub();

  history(): History {
    return new History(this.store.sql, this.store.machine.state());
  }

  /** One turn that applies these commands. */
  apply(...commands: readonly Command[]): void {
    this.store.apply(...commands);
    this.hub.applied(() => this.history(), this.store.machine.state());
  }

  /** Answers at once or later, as the engine does it; the answer lands in `answers`. */
  watch(call: WatchCall, now: number, tell: (findings: WatchFindings) => void): boolean {
    const history = this.history();
    const findings = readWatch(history, call);
    if (call.waitMs > 0 && !isAnswer(findings, history, call.ranges)) {
      return this.hub.add(history, call, now + call.waitMs, tell);
    }
    tell(findings);
    return true;
  }
}

export function rangeOf(
  key: string,
  from: HistoryPosition | number,
  more: Partial<WatchRange> = {},
): WatchRange {
  return {
    key: bytes(key),
    rangeEnd: bytes(""),
    from: typeof from === "number" ? { revision: from, sub: 0 } : from,
    noPut: false,
    noDelete: false,
    prevKv: false,
    ...more,
  };
}

export function callOf(ranges: readonly WatchRange[], more: Partial<WatchCall> = {}): WatchCall {
  return {
    stream: "s",
    ranges,
    consistency: "serializable",
    minRevision: 0,
    timeoutMs: 1_000,
    waitMs: 0,
    bytesMax: 100_000,
    ...more,
  };
}

/** Events in a line each: revision.sub key=value (before), or key! for a deletion. */
export function lines(findings: Pick<WatchFindings, "events">): string[] {
  return findings.events.map(({ at, ranges, event, prevKv }) => {
    const { type, kv } = fromBinary(EventSchema, event);
    const key = text(kv?.key);
    const after = type === Event_EventType.DELETE ? `${key}!` : `${key}=${text(kv?.value)}`;
    const before = prevKv === null ? "" : ` (${text(fromBinary(KeyValueSchema, prevKv).value)})`;
    return `${at.revision}.${at.sub} ${after}${before} to ${ranges.join(",")}`;
  });
}

function text(value: Uint8Array | undefined): string {
  return new TextDecoder().decode(value ?? create(KeyValueSchema).key);
}
