// Which part of a series is shown, and how it is gathered so that about 2,000 points remain.

import type { Series } from "../api/answers";
import { pooledStatistic } from "../words/format";

export type Span = "all" | "year" | "quarter" | "month" | "week";
export type Bucket = "PT1H" | "P1D" | "P1W" | "P1M";

const DAY = 86_400_000;
const MOST_POINTS = 2000;

/** Each span's length in days. */
export const SPANS: Record<Exclude<Span, "all">, number> = { week: 7, month: 31, quarter: 92, year: 366 };

const BUCKETS: readonly (readonly [Bucket, number])[] = [
  ["PT1H", DAY / 24],
  ["P1D", DAY],
  ["P1W", 7 * DAY],
  ["P1M", 30 * DAY],
];

/** Milliseconds between a series’ values, by its interval. */
export const INTERVALS: Record<string, number> = { PT1M: DAY / 1440, PT5M: DAY / 288, PT15M: DAY / 96, PT30M: DAY / 48, PT1H: DAY / 24, P1D: DAY };

export interface Shown {
  start: number;
  end: number;
  /** None where the values are shown as published. */
  bucket: Bucket | undefined;
}

export function isSpan(word: string | undefined): word is Span {
  return word === "all" || (word !== undefined && word in SPANS);
}

/** The spans shorter than the whole series, with the whole one first. */
export function spansOf(series: Series): Span[] {
  if (series.first === null || series.last === null) return [];
  const length = endOf(series, series.last) - Date.parse(series.first);
  const shorter = (["year", "quarter", "month", "week"] as const).filter((span) => SPANS[span] * DAY < length);
  return ["all", ...shorter];
}

/** The end of the last observation; `last` is its start. */
function endOf(series: Series, last: string): number {
  return Date.parse(series.latest?.end ?? last);
}

/** What to ask for in `aggregate`. */
export function aggregateOf(series: Series, shown: Shown): string | undefined {
  return shown.bucket && `${pooledStatistic(series.statistic)}:${shown.bucket}`;
}

export function shownOf(series: Series, span: Span): Shown | null {
  if (series.first === null || series.last === null) return null;
  const first = Date.parse(series.first);
  const end = endOf(series, series.last);
  const start = span === "all" ? first : Math.max(first, end - SPANS[span] * DAY);
  // A state counts while it changes; a flow by the interval its values stand for.
  const published = INTERVALS[series.interval] ?? (end - first) / Math.max(series.rows, 1);
  if ((end - start) / published <= MOST_POINTS) return { start, end, bucket: undefined };
  const fitting = BUCKETS.find(([, length]) => (end - start) / length <= MOST_POINTS);
  return { start, end, bucket: fitting?.[0] ?? "P1M" };
}
