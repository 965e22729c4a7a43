/** A watch stream as it is received: what each watch was told, message boundaries left out. */
import { setTimeout as sleep } from "node:timers/promises";
import { comparableText } from "./comparable.ts";
import type { Exchange, Request } from "./exchange.ts";

const POLL_MS = 10;
const CREATED_MS = 5_000;

export class WatchStream {
  readonly #stop = new AbortController();
  #text = "";
  #size = 0;

  constructor(exchange: Exchange, request: Request) {
    exchange.stream(request, this.#stop.signal, (text) => {
      this.#text += text;
      this.#size += text.length;
    });
  }

  /** Bytes that have come. */
  get size(): number {
    return this.#size;
  }

  /** Resolves when `count` watches were announced, or the stream said something else. */
  async untilCreated(count: number): Promise<void> {
    const deadlineMs = performance.now() + CREATED_MS;
    while (performance.now() < deadlineMs) {
      if (this.#text.split('"created":true').length > count || this.#text.includes('"error"')) return;
      await sleep(POLL_MS);
    }
  }

  /** Per watch: its control messages and its events, each in order. */
  report(): readonly string[] {
    const told = new Map<string, string[]>();
    for (const line of this.#text.split("\n")) {
      const message = /^\{"result":(.*)\}$/s.exec(line)?.[1];
      if (message === undefined) {
        if (line !== "") add(told, "stream", line);
        continue;
      }
      const watch = /"watch_id":"(-?\d+)"/.exec(message)?.[1] ?? "0";
      const [control = "", events] = message.split(',"events":[');
      if (events === undefined) {
        if (/"(created|canceled)":true/.test(control)) add(told, watch, comparableText(control));
        continue;
      }
      for (const event of events.replace(/\]\}$/s, "").split(/,(?=\{"(?:type|kv)":)/))
        add(told, watch, event);
    }
    return [...told]
      .flatMap(([watch, lines]) => lines.map((line) => `watch ${watch}: ${line}`))
      .sort(byWatch);
  }

  close(): void {
    this.#stop.abort();
  }
}

function add(told: Map<string, string[]>, watch: string, line: string): void {
  const lines = told.get(watch) ?? [];
  lines.push(line);
  told.set(watch, lines);
}

/** Watches in any order; of one watch everything where it was. */
function byWatch(left: string, right: string): number {
  const [a = "", b = ""] = [left, right].map((line) => line.slice(0, line.indexOf(":")));
  return a < b ? -1 : a > b ? 1 : 0;
}
