/** The changes of some keys as server-sent events, of which a browser's `EventSource` makes sense. */
import type { ReplicaHeader, WatchEvent, WatchRange } from "../../engine/replica-api.ts";
import { ERRORS, isErrorKey } from "../../wire/errors.ts";
import { Event_EventType } from "../../wire/gen/etcd/kv_pb.ts";
import { utf8 } from "../../wire/text.ts";
import { bytesField, pairFields, snakeCase } from "../answers.ts";
import type { Services } from "../services.ts";
import { Outlet } from "./outlet.ts";
import { Puller, type PullerEnd } from "./puller.ts";
import { byRevision, eventOf } from "./watch-answers.ts";
import type { WatchSource } from "./watch-source.ts";
import { type Telling, WatchedRange } from "./watched-range.ts";

/** Browsers and proxies close what is silent; this is below all that are known. */
const KEEP_ALIVE_MS = 20_000;
/** How long an `EventSource` waits before it comes again. */
const RETRY_MS = 2_000;

export class EventStream {
  readonly #services: Services;
  readonly #outlet: Outlet;
  readonly #puller: Puller;
  readonly #range: WatchedRange;
  readonly #withPrevKv: boolean;
  #isHeard = true;

  /** Tells the changes of `range`, beginning with those of `fromRevision`. */
  constructor(
    services: Services,
    source: WatchSource,
    range: Omit<WatchRange, "from">,
    fromRevision: number,
  ) {
    this.#services = services;
    this.#withPrevKv = range.prevKv;
    this.#range = new WatchedRange(range, fromRevision, false);
    this.#outlet = new Outlet(() => this.#puller.close());
    this.#puller = new Puller(source, services.clock, {
      answered: () => undefined,
      told: (_range, telling, _header, _isLive) => this.#told(telling),
      compacted: (_range, compactRevision, header) => this.#compacted(compactRevision, header),
      refused: (_range, error) => this.#refused(error),
      ended: (end) => this.#ended(end),
    });
  }

  get body(): ReadableStream<Uint8Array> {
    return this.#outlet.body;
  }

  /** Goes on behind the answer, until either side ends the stream. */
  async serve(isPast: boolean): Promise<void> {
    // Whoever is cut off before the first event resumes from here all the same.
    await this.#send(`retry: ${RETRY_MS}\n${this.#bookmark()}`);
    this.#puller.add(this.#range, isPast);
    await Promise.all([this.#puller.run(), this.#keepAlive()]);
  }

  close(): void {
    this.#outlet.close();
    this.#puller.close();
  }

  async #told({ events, isFragment }: Telling): Promise<void> {
    const groups = byRevision(events);
    const text = groups.map((group, place) =>
      this.#revisionText(group, isFragment && place === groups.length - 1),
    );
    await this.#send(text.join(""));
  }

  /** Only the last event of a revision has an id: whoever resumes gets whole revisions. */
  #revisionText(group: readonly WatchEvent[], isFragment: boolean): string {
    return group
      .map((event, place) => {
        const id = place === group.length - 1 && !isFragment ? event.at.revision : null;
        return this.#eventText(event, id);
      })
      .join("");
  }

  #eventText(event: WatchEvent, id: number | null): string {
    const { type, kv, prevKv } = eventOf(event, this.#withPrevKv);
    const isDelete = type === Event_EventType.DELETE;
    const key = bytesField("key", kv?.key ?? new Uint8Array());
    const data = {
      ...(kv === undefined || isDelete ? { ...key, mod_revision: event.at.revision } : pairFields(kv)),
      ...(prevKv === undefined ? {} : { prev_kv: pairFields(prevKv) }),
    };
    return message(isDelete ? "delete" : "put", data, id);
  }

  /** History has a gap: the client has to read anew, and is told from which revision on it will hear. */
  async #compacted(compactRevision: number, { revision }: ReplicaHeader): Promise<void> {
    const text =
      "the changes asked for are compacted: read the keys again; a stream that resumes begins behind this revision";
    const data = { code: "compacted", message: text, compact_revision: compactRevision, revision };
    await this.#send(message("compacted", data, revision));
    this.close();
  }

  /** Permission was taken away, or the token has ended. */
  async #refused(error: string): Promise<void> {
    const text = isErrorKey(error) ? ERRORS[error].message : error;
    await this.#send(message("refused", { code: snakeCase(error), message: text }, null));
    this.close();
  }

  #ended({ failure }: PullerEnd): void {
    if (failure !== null) {
      const data = { code: "unavailable", message: failure.message };
      this.#send(message("unavailable", data, null)).catch(() => undefined);
    }
    this.close();
  }

  async #keepAlive(): Promise<void> {
    for (;;) {
      await this.#services.clock.sleep(KEEP_ALIVE_MS);
      if (this.#outlet.isClosed) return;
      const wasHeard = this.#isHeard;
      if (!wasHeard) await this.#send(`: nothing new\n${this.#bookmark()}`);
      this.#isHeard = false;
    }
  }

  /** Moves the place from which a client resumes, without an event. */
  #bookmark(): string {
    return `id: ${this.#range.toldRevision}\n\n`;
  }

  #send(text: string): Promise<void> {
    this.#isHeard = true;
    return this.#outlet.send(utf8(text));
  }
}

function message(event: string, data: Readonly<Record<string, unknown>>, id: number | null): string {
  return `event: ${event}\ndata: ${JSON.stringify(data)}\n${id === null ? "" : `id: ${id}\n`}\n`;
}
