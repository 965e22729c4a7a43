/** A cluster in the real runtime whose counters can be read without waking anybody. */
import { mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { Miniflare } from "miniflare";
import { bundleWorker, readCompatibility } from "../cluster/bundle.ts";

/** As test/worker/entry/counting-worker.ts counts, all replicas together, since the start. */
export type Counts = Readonly<Record<string, number>>;

interface Member {
  readonly asleep?: boolean;
}

export interface Status {
  readonly term: number;
  readonly leader: string | null;
  readonly members: readonly Member[];
}

export class CountedRuntime implements AsyncDisposable {
  readonly #miniflare: Miniflare;
  readonly #url: string;
  readonly #folder: string;

  private constructor(miniflare: Miniflare, url: string, folder: string) {
    this.#miniflare = miniflare;
    this.#url = url;
    this.#folder = folder;
  }

  /** With all settings as they are when nobody sets them, but for `vars`. */
  static async start(members: string, vars: Readonly<Record<string, string>>): Promise<CountedRuntime> {
    const folder = mkdtempSync(join(tmpdir(), "edged-idle-"));
    const contents = await bundleWorker("test/worker/entry/counting-worker.ts");
    const miniflare = new Miniflare({
      host: "127.0.0.1",
      port: 0,
      cf: false,
      modules: [{ type: "ESModule", path: "worker.mjs", contents }],
      ...readCompatibility(),
      durableObjects: { REPLICA: { className: "Replica", useSQLite: true } },
      durableObjectsPersist: folder,
      bindings: { INITIAL_CLUSTER: members, ALLOW_ANONYMOUS: "true", ...vars },
    });
    return new CountedRuntime(miniflare, (await miniflare.ready).href, folder);
  }

  async counts(): Promise<Counts> {
    return (await this.#json("/_counts")) as Counts;
  }

  /** Asks every replica, which wakes none of a sleeping group but is an event for its object. */
  async status(): Promise<Status> {
    return (await this.#json("/status")) as Status;
  }

  async put(key: string, value: string): Promise<void> {
    await this.#ask(`/kv/${key}`, { method: "PUT", body: value });
  }

  async get(key: string): Promise<string> {
    return (await this.#ask(`/kv/${key}`)).text();
  }

  async grant(seconds: number): Promise<void> {
    await this.#ask("/v3/lease/grant", { method: "POST", body: JSON.stringify({ TTL: seconds }) });
  }

  /** Alarms that the platform has on record, read from its own file. */
  alarms(): number {
    let alarms = 0;
    for (const path of this.#files(/metadata\.sqlite$/)) {
      const database = new DatabaseSync(path, { readOnly: true });
      alarms += Number(database.prepare("SELECT count(*) AS n FROM _cf_ALARM").get()?.["n"] ?? 0);
      database.close();
    }
    return alarms;
  }

  /** When the newest of the objects' files was written to, in ms. */
  lastWriteMs(): number {
    return Math.max(0, ...this.#files(/\.sqlite(?:-wal)?$/).map((path) => statSync(path).mtimeMs));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#miniflare.dispose();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #files(name: RegExp): string[] {
    const paths = readdirSync(this.#folder, { recursive: true, encoding: "utf8" });
    return paths.filter((path) => name.test(path)).map((path) => join(this.#folder, path));
  }

  async #json(path: string): Promise<unknown> {
    return (await this.#ask(path)).json();
  }

  async #ask(path: string, init: RequestInit = {}): Promise<Response> {
    const answer = await fetch(new URL(path, this.#url), init);
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
    return answer;
  }
}
