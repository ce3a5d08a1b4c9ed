// Moments of the archive: steps on the city's clocks, and what a slider moves between.

import { instantOf, wallClock } from "../words/civil";

export const STEPS = ["hour", "day", "week", "month"] as const;
export type Step = (typeof STEPS)[number];

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

/** The moment so many steps later; days and longer keep the wall clock, whatever the clocks do. */
export function move(moment: number, step: Step, count: number, zone: string): number {
  if (step === "hour") return moment + count * HOUR;
  const wall = new Date(wallClock(moment, zone));
  if (step !== "month") return instantOf(Number(wall) + count * (step === "week" ? 7 : 1) * DAY, zone);
  const day = wall.getUTCDate();
  wall.setUTCDate(1);
  wall.setUTCMonth(wall.getUTCMonth() + count);
  const last = new Date(Date.UTC(wall.getUTCFullYear(), wall.getUTCMonth() + 1, 0)).getUTCDate();
  wall.setUTCDate(Math.min(day, last));
  return instantOf(Number(wall), zone);
}

/** Where a layer is opened: at its newest moment; of one that has ended, at noon, when cities are awake. */
export function openingMoment(first: number, last: number, now: number, step: Step, zone: string): number {
  if (step !== "hour" || now - last < DAY) return last;
  const wall = wallClock(last, zone);
  const noon = instantOf(wall - (wall % DAY) + 12 * HOUR, zone);
  return clamp(noon <= last ? noon : move(noon, "day", -1, zone), first, last);
}

export const clamp = (moment: number, first: number, last: number): number => Math.min(Math.max(moment, first), last);

export function isStep(word: string | undefined): word is Step {
  return STEPS.some((step) => step === word);
}
