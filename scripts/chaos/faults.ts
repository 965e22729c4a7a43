/** What the nemesis does, drawn from a seed: which members suffer what, and for how long. */

import { assertNever } from "../../src/base/assert.ts";
import type { Prng } from "../../src/base/prng.ts";
import type { Cuts } from "./cluster.ts";

export type Fault =
  /** Members killed together, started again one after the other after `holdMs`. */
  | { readonly kind: "kill"; readonly members: readonly string[]; readonly holdMs: number }
  | { readonly kind: "pause"; readonly members: readonly string[]; readonly holdMs: number }
  /** One member frozen while another dies: the frozen one comes back with old views. */
  | {
      readonly kind: "pause-and-kill";
      readonly paused: string;
      readonly killed: string;
      readonly holdMs: number;
    }
  | { readonly kind: "cut"; readonly shape: CutShape; readonly cuts: Cuts; readonly holdMs: number };

export type CutShape = "split" | "isolated" | "deaf" | "mute" | "ring";

export interface FaultOptions {
  readonly names: readonly string[];
  /** Favoured as a victim; null when nobody knows. */
  readonly leader: string | null;
  readonly canCut: boolean;
  /** The longest time a fault lasts. */
  readonly holdMsMax: number;
}

/** Draws the next fault. */
export function drawFault(random: Prng, options: FaultOptions): Fault {
  const { names, leader, canCut, holdMsMax } = options;
  const victim =
    leader !== null && names.includes(leader) && random.chance(0.5) ? leader : random.pick(names);
  const others = shuffled(random, names).filter((name) => name !== victim);
  const holdMs = Math.floor(holdMsMax * (0.15 + 0.85 * random.fraction()));
  const dice = random.fraction();
  if (canCut && dice < 0.4) return drawCut(random, names, victim, holdMs);
  const rest = random.fraction();
  if (rest < 0.35) return { kind: "kill", members: [victim], holdMs };
  if (rest < 0.7) return { kind: "pause", members: [victim], holdMs };
  const [second] = others;
  if (rest < 0.8 && second !== undefined)
    return { kind: "pause-and-kill", paused: victim, killed: second, holdMs };
  // No quorum from here on; shorter, so that most of the run has one.
  const lost = [victim, ...others].slice(0, Math.floor(names.length / 2) + 1);
  if (rest < 0.88) return { kind: "pause", members: lost, holdMs: Math.floor(holdMs / 2) };
  if (rest < 0.94) return { kind: "kill", members: lost, holdMs: Math.floor(holdMs / 2) };
  return { kind: "kill", members: [...names], holdMs: 100 };
}

function drawCut(random: Prng, names: readonly string[], victim: string, holdMs: number): Fault {
  const shapes: readonly CutShape[] = ["split", "isolated", "isolated", "deaf", "mute", "ring"];
  const shape = random.pick(shapes);
  return { kind: "cut", shape, cuts: cutsOf(random, shape, names, victim), holdMs };
}

function cutsOf(random: Prng, shape: CutShape, names: readonly string[], victim: string): Cuts {
  const others = names.filter((name) => name !== victim);
  switch (shape) {
    case "split": {
      const mixed = shuffled(random, names);
      const size = 1 + random.below(Math.max(1, names.length - 1));
      return between(mixed.slice(0, size), mixed.slice(size));
    }
    case "isolated":
      return between([victim], others);
    case "deaf":
      return new Map(others.map((name) => [name, [victim]]));
    case "mute":
      return new Map([[victim, others]]);
    case "ring":
      // Everybody loses the link to one neighbour; nobody is cut off.
      return new Map(names.map((name, at) => [name, [names[(at + 1) % names.length] ?? name]]));
    default:
      return assertNever(shape, "cut shape");
  }
}

function between(left: readonly string[], right: readonly string[]): Cuts {
  return new Map([
    ...left.map((name) => [name, right] as const),
    ...right.map((name) => [name, left] as const),
  ]);
}

function shuffled(random: Prng, list: readonly string[]): string[] {
  const mixed = [...list];
  for (let at = mixed.length - 1; at > 0; at -= 1) {
    const other = random.below(at + 1);
    const kept = mixed[at] ?? "";
    mixed[at] = mixed[other] ?? "";
    mixed[other] = kept;
  }
  return mixed;
}

/** A short name for counting. */
export function faultLabel(fault: Fault, memberCount: number): string {
  if (fault.kind === "cut") return `cut (${fault.shape})`;
  if (fault.kind === "pause-and-kill") return "pause one, kill another";
  const count = fault.members.length;
  if (count === 1) return `${fault.kind} one`;
  return count === memberCount ? `${fault.kind} all` : `${fault.kind} a majority`;
}

/** One line for the log. */
export function describeFault(fault: Fault): string {
  const duration = `for ${fault.holdMs} ms`;
  if (fault.kind === "pause-and-kill") return `pause ${fault.paused}, kill ${fault.killed} ${duration}`;
  if (fault.kind !== "cut") return `${fault.kind} ${fault.members.join(", ")} ${duration}`;
  const cuts = [...fault.cuts].map(([from, to]) => `${from} -x-> ${to.join(", ")}`);
  return `cut ${cuts.join("; ")} ${duration}`;
}
