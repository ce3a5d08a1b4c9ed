// Observations as points of a line: broken where values are missing, without buckets that are only partly filled.

import type { Observation, Series } from "../api/answers";
import { breakLine, type Point } from "../charts/lines";
import { pooledStatistic } from "../words/format";
import { INTERVALS, type Shown } from "./span";

/** Publishers lose the odd hour; a tenth less is about what a reader can see in the line. */
const LEAST_SHARE = 0.9;

export interface SeriesPoints {
  points: Point[];
  /** How many buckets were left out because they are incomplete. */
  partial: number;
}

export function pointsOf(series: Series, observations: readonly Observation[], shown: Shown): SeriesPoints {
  const full = shown.bucket === undefined ? () => true : fullBuckets(series, observations);
  const rows = observations.map((row) => ({ x: Date.parse(row.start), end: Date.parse(row.end), y: row.value, row }));
  const whole =
    shown.bucket === undefined
      ? rows
      : rows.filter(({ x, end, row }) => x >= shown.start && end <= shown.end && full(row));
  const step = typicalStep(whole.map((row) => row.x));
  return { points: breakLine(whole, 1.6 * step), partial: rows.length - whole.length };
}

/**
 * Whether a bucket has nine in ten of its observations. A sum of fewer would be drawn as a fall; a mean would not. Where most
 * buckets lack some, as with events that days without any leave out, nothing says how many there should be.
 */
function fullBuckets(series: Series, observations: readonly Observation[]): (row: Observation) => boolean {
  const interval = INTERVALS[series.interval];
  if (interval === undefined || pooledStatistic(series.statistic) !== "sum") return () => true;
  const full = ({ start, end, count }: Observation) =>
    count === undefined || count >= LEAST_SHARE * Math.round((Date.parse(end) - Date.parse(start)) / interval);
  return observations.filter(full).length * 2 >= observations.length ? full : () => true;
}

/** The median distance between neighbours, which a few holes do not move. */
function typicalStep(times: readonly number[]): number {
  const steps = times.slice(1).map((time, index) => time - (times[index] as number));
  steps.sort((a, b) => a - b);
  return steps[steps.length >> 1] ?? Infinity;
}
