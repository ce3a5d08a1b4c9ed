// Observations as points of a line: broken where values are missing, without buckets the span only touches.

import type { Observation } from "../api/answers";
import { breakLine, type Point } from "../charts/lines";
import type { Shown } from "./span";

export interface SeriesPoints {
  points: Point[];
  /** How many first and last buckets were left out because the series covers only a part of them. */
  partial: number;
}

export function pointsOf(observations: readonly Observation[], shown: Shown): SeriesPoints {
  const rows = observations.map((row) => ({ x: Date.parse(row.start), end: Date.parse(row.end), y: row.value }));
  const whole =
    shown.bucket === undefined ? rows : rows.filter((row) => row.x >= shown.start && row.end <= shown.end);
  const step = typicalStep(whole.map((row) => row.x));
  return { points: breakLine(whole, 1.6 * step), partial: rows.length - whole.length };
}

/** The median distance between neighbours, which a few holes do not move. */
function typicalStep(times: readonly number[]): number {
  const steps = times.slice(1).map((time, index) => time - (times[index] as number));
  steps.sort((a, b) => a - b);
  return steps[steps.length >> 1] ?? Infinity;
}
