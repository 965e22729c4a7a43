/** One question of scale: what happens to figures as one number grows. */
import type { Series } from "../charts/curve-chart.ts";
import type { Round } from "../load.ts";

/** Figures of one unit, on one pair of axes. */
export interface CurvePanel {
  readonly title: string;
  readonly series: readonly Series[];
}

export interface Curve {
  /** What `--only` looks at, and the name of its files. */
  readonly id: string;
  readonly title: string;
  /** What grows. */
  readonly xLabel: string;
  readonly xUnit: "count" | "bytes";
  readonly panels: readonly CurvePanel[];
  /** What was found besides, and what was cut short: one sentence each. */
  readonly facts: readonly string[];
}

export interface ScaleContext {
  readonly signal: AbortSignal;
  readonly tell: (what: string) => void;
  /** How long each figure of a point is measured. */
  readonly durationMs: number;
  /** What comes before measuring (writing keys, making clusters) is cut short after so long for each point. */
  readonly preparationMs: number;
  /** Larger numbers are left out. */
  readonly xMax: number;
}

export interface CurveMeasurement {
  readonly id: string;
  readonly measure: (context: ScaleContext) => Promise<Curve>;
}

/** Those of the numbers that are asked for, at least the first. */
export function upTo(numbers: readonly number[], { xMax }: ScaleContext): readonly number[] {
  return numbers.filter((number, position) => position === 0 || number <= xMax);
}

/** Collects the points of several series as they are measured. */
export class Points {
  readonly #series = new Map<string, { x: number; y: number }[]>();

  add(name: string, x: number, y: number): void {
    const points = this.#series.get(name) ?? [];
    points.push({ x, y });
    this.#series.set(name, points);
  }

  /** What a round of load amounts to: one point for each of its figures, under names of their own. */
  addRound(name: string, x: number, { rate, p50, cpuMicros }: Round): void {
    this.add(name, x, rate);
    this.add(`${name}, p50 ms`, x, p50);
    if (cpuMicros !== null) this.add(`${name}, CPU us`, x, cpuMicros);
  }

  /** The panels of such rounds; what nobody could measure is left out. */
  panelsOf(names: readonly string[], clients: number): readonly CurvePanel[] {
    const panels = [
      { title: `Requests a second, ${clients} clients`, series: this.of(...names) },
      { title: "Milliseconds", series: this.of(...names.map((name) => `${name}, p50 ms`)) },
      { title: "CPU microseconds a request", series: this.of(...names.map((name) => `${name}, CPU us`)) },
    ];
    return panels.filter(({ series }) => series.length > 0);
  }

  /** The series of these names, those without points left out. */
  of(...names: readonly string[]): readonly Series[] {
    return names.flatMap((name) => {
      const points = this.#series.get(name);
      return points === undefined ? [] : [{ name, points }];
    });
  }
}
