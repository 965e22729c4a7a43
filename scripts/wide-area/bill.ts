/** From what was used to dollars. */
import { type Item, PRICES, type Usage } from "./facts/prices.ts";

export interface Bill {
  /** At list prices, as if nothing were included. */
  readonly listDollars: number;
  /** Beyond what the plan includes, in an account that does nothing else in that month. */
  readonly dueDollars: number;
  readonly byItem: Readonly<Partial<Record<Item, number>>>;
}

const ITEMS = Object.keys(PRICES).filter((item): item is Item => item in PRICES);

export function bill(usage: Usage): Bill {
  let listDollars = 0;
  let dueDollars = 0;
  const byItem: Partial<Record<Item, number>> = {};
  for (const item of ITEMS) {
    const used = usage[item] ?? 0;
    const { included, per, dollars } = PRICES[item];
    const list = (used / per) * dollars;
    byItem[item] = list;
    listDollars += list;
    dueDollars += (Math.max(0, used - included) / per) * dollars;
  }
  return { listDollars, dueDollars, byItem };
}

/** `usage` so many times over. */
export function times(usage: Usage, factor: number): Usage {
  return Object.fromEntries(Object.entries(usage).map(([item, used]) => [item, used * factor]));
}
