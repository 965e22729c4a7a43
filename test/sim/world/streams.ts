/** Independent random streams: what one concern draws never shifts what another one draws. */
import { Prng } from "../../../src/base/prng.ts";

function mix(state: number, value: number): number {
  let mixed = Math.imul(state ^ value, 0x9e3779b1);
  mixed ^= mixed >>> 15;
  mixed = Math.imul(mixed, 0x85ebca6b);
  return (mixed ^ (mixed >>> 13)) >>> 0;
}

/** A generator for one `purpose` of one run; `keys` tell apart nodes, links, counters. */
export function stream(seed: number, purpose: string, ...keys: readonly number[]): Prng {
  let state = mix(0x51ed270b, seed >>> 0);
  state = mix(state, Math.floor(seed / 0x1_0000_0000));
  for (let i = 0; i < purpose.length; i += 1) state = mix(state, purpose.charCodeAt(i));
  for (const key of keys) state = mix(state, key);
  return new Prng(state);
}

/** A delay around `typicalMs` with a heavy tail: mostly within twice that, sometimes far beyond. */
export function heavyTailed(random: Prng, typicalMs: number, tailMs: number): number {
  const spread = typicalMs * (0.5 + random.fraction());
  return random.chance(0.02) ? spread + tailMs * random.fraction() ** 3 : spread;
}
