import { Gateway, type GatewayOptions } from "./gateway.ts";

/** How often gateways are asked whether they are there, while anything waits for one of them. */
const PROBE_EVERY_MS = 1_000;
const PROBE_MS_MAX = 2_500;

/** The gateways in the order in which they are tried: the one that answered last comes first. */
export class Gateways {
  readonly #all: readonly Gateway[];
  #preferred = 0;
  /** Calls and streams under way. */
  #underWay = 0;
  #timer: NodeJS.Timeout | null = null;

  constructor(urls: readonly string[], options: GatewayOptions) {
    this.#all = urls.map((url) => new Gateway(url, options));
  }

  get count(): number {
    return this.#all.length;
  }

  /** The gateway to ask first, or the one to ask after `previous`: those that are silent only if all are. */
  pick(previous: Gateway | null = null): Gateway {
    const place = previous === null ? this.#preferred : this.#all.indexOf(previous) + 1;
    const order = this.#all.map((_, step) => this.#all[(place + step) % this.#all.length]);
    const gateway = order.find((candidate) => candidate?.isSilent === false) ?? order[0];
    if (gateway === undefined) throw new Error("a bridge has at least one endpoint");
    return gateway;
  }

  /** It gave no answer: others are asked first from now on. */
  avoid(gateway: Gateway): void {
    if (this.#all[this.#preferred] === gateway) this.#preferred = (this.#preferred + 1) % this.#all.length;
  }

  /**
   * Something waits for `gateway` until `signal` aborts: the answer aborts also when the gateway falls
   * silent while there is another one. `left` has to be called when nothing waits any more.
   */
  waitFor(
    gateway: Gateway,
    signal: AbortSignal,
  ): { readonly signal: AbortSignal; readonly left: () => void } {
    if (this.#all.length === 1) return { signal, left: () => undefined };
    this.began();
    const left = (): void => this.left();
    return { signal: gateway.isSilent ? signal : AbortSignal.any([signal, gateway.silence]), left };
  }

  /** A call in a session waits from now on until `left`: it fails when its gateway falls silent. */
  began(): void {
    if (this.#all.length === 1) return;
    this.#underWay += 1;
    this.#timer ??= setInterval(() => this.#probeAll(), PROBE_EVERY_MS).unref();
  }

  left(): void {
    if (this.#all.length === 1) return;
    this.#underWay -= 1;
    if (this.#underWay > 0 || this.#timer === null) return;
    clearInterval(this.#timer);
    this.#timer = null;
  }

  close(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    for (const gateway of this.#all) gateway.close();
  }

  #probeAll(): void {
    for (const gateway of this.#all) {
      gateway.probe(PROBE_MS_MAX).catch(() => undefined);
    }
  }
}
