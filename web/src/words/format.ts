// Numbers, units and times as people of the city write them.

import type { Effect, Statistic } from "../api/answers";
import { language } from "./language.svelte";
import { unitWords } from "./units";

const NO_BREAK = "\u00a0";

/** Three significant figures below a thousand, whole numbers above; a true minus sign. */
export function formatNumber(value: number, options: Intl.NumberFormatOptions = {}): string {
  const size = Math.abs(value);
  const digits: Intl.NumberFormatOptions = size >= 1000 ? { maximumFractionDigits: 0 } : { maximumSignificantDigits: 3 };
  return new Intl.NumberFormat(language.current, { ...digits, ...options }).format(value).replace("-", "−");
}

export function formatValue(value: number, unit: string): string {
  const words = unitWords(unit, language.current);
  return words === "" ? formatNumber(value) : `${formatNumber(value)}${NO_BREAK}${words}`;
}

/** An effect's own number with its sign and unit, such as “−18.2 %”. */
export function formatEffect(value: number, effect: Pick<Effect, "scale" | "unit">): string {
  const number = formatNumber(value, { signDisplay: "exceptZero", maximumFractionDigits: 1, maximumSignificantDigits: 3 });
  return `${number}${NO_BREAK}${effectUnit(effect)}`.trimEnd();
}

export function effectUnit(effect: Pick<Effect, "scale" | "unit">): string {
  if (effect.scale === "percent") return "%";
  return typeof effect.unit === "string" ? unitWords(effect.unit, language.current) : effect.unit[language.current];
}

export function formatDay(instant: number | string, zone: string): string {
  return format(instant, { dateStyle: "long", timeZone: zone });
}

export function formatShortDay(instant: number | string, zone: string): string {
  return format(instant, { dateStyle: "medium", timeZone: zone });
}

export function formatMoment(instant: number | string, zone: string): string {
  return format(instant, { dateStyle: "medium", timeStyle: "short", timeZone: zone });
}

/** A civil day (`YYYY-MM-DD`) or an instant, as a day of the city. */
export function formatCivilDay(day: string, zone: string): string {
  return day.length > 10 ? formatDay(day, zone) : formatDay(`${day}T12:00Z`, "UTC");
}

export function format(instant: number | string, options: Intl.DateTimeFormatOptions): string {
  const locale = language.current === "en" ? "en-GB" : "fr-FR";
  return new Intl.DateTimeFormat(locale, options).format(new Date(instant));
}

/** The statistic that stands for a longer interval: counts and sums add up, the others keep their kind. */
export function gatheredStatistic(statistic: Statistic): "total" | "mean" | "max" | "min" | "median" {
  if (statistic === "count" || statistic === "sum") return "total";
  return statistic === "state" ? "mean" : statistic;
}
