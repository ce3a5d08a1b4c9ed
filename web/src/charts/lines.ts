// Lines over time: what a chart is given, and where its ticks stand.

import { scaleLinear, scaleUtc } from "d3-scale";
import { instantOf, wallClock } from "../words/civil";
import { format } from "../words/format";

export interface Point {
  /** Milliseconds since 1970. */
  x: number;
  /** A number, or null where nothing is known: the line breaks. */
  y: number | null;
}

export interface Line {
  name: string;
  /** A custom property of tokens.css. */
  colour: string;
  weight: number;
  broken?: boolean;
  points: readonly Point[];
}

/** Between what values a line may lie, or a point. */
export interface Reach {
  x: number;
  low: number;
  high: number;
}

export interface Tick {
  at: number;
  words: string;
}

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

/** The points with a gap put in wherever two neighbours lie farther apart than `longest`. */
export function breakLine(points: readonly Point[], longest: number): Point[] {
  return points.flatMap((point, index) => {
    const before = points[index - 1];
    return before !== undefined && point.x - before.x > longest
      ? [{ x: (before.x + point.x) / 2, y: null }, point]
      : [point];
  });
}

/** About `count` ticks at round times of the city's own clocks. */
export function timeTicks(start: number, end: number, zone: string, count: number): Tick[] {
  const walls = scaleUtc()
    .domain([wallClock(start, zone), wallClock(end, zone)])
    .ticks(count)
    .map(Number);
  const step = walls.length > 1 ? (walls[1] as number) - (walls[0] as number) : end - start;
  return walls.map((wall, index) => ({ at: instantOf(wall, zone), words: tickWords(wall, step, index === 0) }));
}

function tickWords(wall: number, step: number, first: boolean): string {
  const date = new Date(wall);
  const options: Intl.DateTimeFormatOptions = { timeZone: "UTC" };
  if (step >= 364 * DAY) return format(wall, { ...options, year: "numeric" });
  if (step >= 27 * DAY) {
    const withYear = first || date.getUTCMonth() === 0;
    return format(wall, withYear ? { ...options, month: "short", year: "numeric" } : { ...options, month: "short" });
  }
  if (step >= DAY) return format(wall, { ...options, day: "numeric", month: "short" });
  return date.getUTCHours() === 0
    ? format(wall, { ...options, day: "numeric", month: "short" })
    : format(wall, { ...options, hour: "2-digit", minute: "2-digit" });
}

/** The lowest and highest value, opened to round numbers and to zero where the values lie near or across it. */
export function valueDomain(lines: readonly Line[], band: readonly Reach[] = []): [number, number] {
  let low = band.reduce((lowest, reach) => Math.min(lowest, reach.low), Infinity);
  let high = band.reduce((highest, reach) => Math.max(highest, reach.high), -Infinity);
  for (const { points } of lines) {
    for (const { y } of points) {
      if (y === null) continue;
      low = Math.min(low, y);
      high = Math.max(high, y);
    }
  }
  if (low > high) return [0, 1];
  if (low > 0 && low < 0.7 * high) low = 0;
  if (low === high) [low, high] = low === 0 ? [0, 1] : [Math.min(low, 0), Math.max(high, 0)];
  return scaleLinear().domain([low, high]).nice(5).domain() as [number, number];
}

export function timeDomain(lines: readonly Line[]): [number, number] {
  let start = Infinity;
  let end = -Infinity;
  for (const { points } of lines) {
    start = Math.min(start, points[0]?.x ?? Infinity);
    end = Math.max(end, points.at(-1)?.x ?? -Infinity);
  }
  if (start > end) return [0, 1];
  return start === end ? [start - HOUR, end + HOUR] : [start, end];
}

/** The index of the point nearest to `x` in points sorted by time, -1 where there is none. */
export function nearest(points: readonly Point[], x: number): number {
  let low = 0;
  let high = points.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((points[middle] as Point).x < x) low = middle + 1;
    else high = middle;
  }
  const before = points[low - 1];
  const at = points[low];
  if (at === undefined) return -1;
  return before !== undefined && x - before.x < at.x - x ? low - 1 : low;
}
