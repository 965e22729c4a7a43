/**
 * Cuts connections through a test Worker entry (`--entry FILE`) whose transport obeys a switch: each
 * member's process takes `PUT /test/network` with `{"blocked": ["r2", "r3"]}`, the peers to which it
 * must not send from now on (nor take answers from), and answers 2xx once it obeys. A process that
 * starts again forgets its cuts.
 */
import type { Cuts, Member, NetworkSwitch } from "./cluster.ts";

const SWITCH_PATH = "/test/network";
const TIMEOUT_MS = 5_000;

export class HttpNetworkSwitch implements NetworkSwitch {
  readonly #members: readonly Member[];

  constructor(members: readonly Member[]) {
    this.#members = members;
  }

  async apply(cuts: Cuts): Promise<void> {
    await Promise.all(
      this.#members.map(async ({ name, url }) => {
        const response = await fetch(url + SWITCH_PATH, {
          method: "PUT",
          headers: { "Content-Type": "application/json" },
          body: JSON.stringify({ blocked: cuts.get(name) ?? [] }),
          signal: AbortSignal.timeout(TIMEOUT_MS),
        });
        await response.arrayBuffer();
        if (!response.ok) throw new Error(`${name}: the network switch answered ${response.status}`);
      }),
    );
  }
}
