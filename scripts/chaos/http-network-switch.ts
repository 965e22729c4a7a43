/**
 * Cuts connections through a test Worker entry (`--entry FILE`) whose transport obeys a switch: each
 * member's process takes `PUT /test/network` with `{"blocked": ["r2", "r3"]}`, the peers to which it
 * must not send from now on (nor take answers from), neither from its replica nor from its gateway, and
 * answers 2xx once it obeys. A process that starts again forgets its cuts. An entry without the switch
 * answers anything else, and then connections are not cut.
 */
import type { Cuts, Member, NetworkSwitch } from "./cluster.ts";

const SWITCH_PATH = "/test/network";
const TIMEOUT_MS = 5_000;

export class HttpNetworkSwitch implements NetworkSwitch {
  readonly #members: readonly Member[];

  constructor(members: readonly Member[]) {
    this.#members = members;
  }

  /** Whether the entry has such a switch at all. */
  async isPresent(): Promise<boolean> {
    const statuses = await Promise.all(this.#members.map((member) => this.#block(member, [])));
    return statuses.every(isSuccess);
  }

  async apply(cuts: Cuts): Promise<void> {
    await Promise.all(
      this.#members.map(async (member) => {
        const status = await this.#block(member, cuts.get(member.name) ?? []);
        if (!isSuccess(status)) throw new Error(`${member.name}: the network switch answered ${status}`);
      }),
    );
  }

  async #block({ url }: Member, blocked: readonly string[]): Promise<number> {
    const response = await fetch(url + SWITCH_PATH, {
      method: "PUT",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ blocked }),
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    await response.arrayBuffer();
    return response.status;
  }
}

function isSuccess(status: number): boolean {
  return status >= 200 && status < 300;
}
