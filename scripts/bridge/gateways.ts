import { Gateway } from "./gateway.ts";

/** The gateways in the order in which they are tried: the one that answered last comes first. */
export class Gateways {
  readonly #all: readonly Gateway[];
  #preferred = 0;

  constructor(urls: readonly string[]) {
    this.#all = urls.map((url) => new Gateway(url));
  }

  get count(): number {
    return this.#all.length;
  }

  /** The gateway to ask first, or the one to ask after `previous`. */
  pick(previous: Gateway | null = null): Gateway {
    const place = previous === null ? this.#preferred : this.#all.indexOf(previous) + 1;
    const gateway = this.#all[place % this.#all.length];
    if (gateway === undefined) throw new Error("a bridge has at least one endpoint");
    return gateway;
  }

  /** It gave no answer: others are asked first from now on. */
  avoid(gateway: Gateway): void {
    if (this.pick() === gateway) this.#preferred = (this.#preferred + 1) % this.#all.length;
  }

  close(): void {
    for (const gateway of this.#all) gateway.close();
  }
}
