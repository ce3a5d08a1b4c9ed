// Effects in words and on one scale.

import { scaleLinear } from "d3-scale";
import type { ChangeSummary, City, Effect, Every, Finding, FindingSummary } from "../api/answers";
import { effectUnit, formatDay, formatDays, formatEffect } from "../words/format";
import { t } from "../words/messages";

export type Domain = readonly [low: number, high: number];

/** The effect with its interval, such as “−18.2 % (from −22.9 % to −13.1 %)”. */
export function effectWords(effect: Effect): string {
  if (effect.low === null && effect.high === null) return t("effect.unbounded", { value: formatEffect(effect.value, effect) });
  return t("effect.words", {
    value: formatEffect(effect.value, effect),
    low: formatEnd(effect.low, effect, "−∞"),
    high: formatEnd(effect.high, effect, "∞"),
  });
}

/** An end of an interval, or what stands for one that has no bound. */
export function formatEnd(end: number | null, effect: Effect, unbounded: string): string {
  return end === null ? unbounded : formatEffect(end, effect);
}

/** Effects of unlike units have no common scale; those of a like unit share one. */
export function unitKey(effect: Effect): string {
  return `${effect.scale}:${effectUnit(effect)}`;
}

/** One domain per unit, wide enough for every interval and every smallest effect. */
export function commonDomains(changes: readonly Pick<ChangeSummary, "finding">[]): Map<string, Domain> {
  const reach = new Map<string, number>();
  for (const { finding } of changes) {
    if (finding?.effect) {
      const key = unitKey(finding.effect);
      reach.set(key, Math.max(reach.get(key) ?? 0, farthest(finding, finding.effect)));
    }
  }
  return new Map([...reach].map(([key, far]) => [key, symmetric(far)]));
}

function farthest(finding: FindingSummary, effect: Effect): number {
  const ends = [effect.low, effect.high, effect.value].map((end) => Math.abs(end ?? 0));
  return Math.max(...ends, finding.smallest_effect);
}

function symmetric(far: number): Domain {
  const [low, high] = scaleLinear().domain([-far, far]).nice(6).domain() as [number, number];
  return [low, high];
}

/** What a point of the finding's chart stands for. */
export function pointOf(finding: Finding): Exclude<Every, "episode"> {
  const every = finding.chart.every ?? finding.declaration.declaration.unit;
  return every === "week" || every === "month" || every === "year" ? every : "day";
}

/** What the finding counts before and after. */
export function countedIn(finding: Finding): Every {
  return finding.design === "episodes" ? "episode" : pointOf(finding);
}

/** The civil days of a change. */
export function whenOf({ start, end }: Pick<ChangeSummary, "start" | "end">, city: City): string {
  return end ? formatDays(start, end, city.time_zone) : t("change.since", { start: formatDay(start, city.time_zone) });
}
