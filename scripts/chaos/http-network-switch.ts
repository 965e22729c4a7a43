/**
 * Cuts connections through a Worker entry whose transport obeys a switch, as
 * test/worker/entry/faulty-worker.ts does: every process takes all the rules at `/_control/faults`. The
 * calls between replicas are cut, and the answers to them; those of the gateways are not, so clients
 * still reach a leader that has lost its followers, which must not lie to them. A process that starts
 * again has forgotten its cuts. An entry without the switch answers 4xx, and then nothing is cut.
 */
import type { Cuts, Member, NetworkSwitch } from "./cluster.ts";

const SWITCH_PATH = "/_control/faults";
const TIMEOUT_MS = 5_000;

export class HttpNetworkSwitch implements NetworkSwitch {
  readonly #members: readonly Member[];

  constructor(members: readonly Member[]) {
    this.#members = members;
  }

  /** Whether the entry has such a switch at all. */
  async isPresent(): Promise<boolean> {
    const statuses = await Promise.all(this.#members.map((member) => post(member, new Map())));
    return statuses.every(isSuccess);
  }

  async apply(cuts: Cuts): Promise<void> {
    await Promise.all(
      this.#members.map(async (member) => {
        const status = await post(member, cuts);
        if (!isSuccess(status)) throw new Error(`${member.name}: the network switch answered ${status}`);
      }),
    );
  }
}

async function post({ url }: Member, cuts: Cuts): Promise<number> {
  const rules = [...cuts].flatMap(([from, receivers]) => receivers.map((to) => ({ from, to })));
  const response = await fetch(url + SWITCH_PATH, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ cuts: rules, down: [] }),
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  await response.arrayBuffer();
  return response.status;
}

function isSuccess(status: number): boolean {
  return status >= 200 && status < 300;
}
