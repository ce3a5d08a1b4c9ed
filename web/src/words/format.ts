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
  return withUnit(formatNumber(value), unitWords(unit, language.current, value));
}

/** An effect's own number, two figures long, with its sign and unit: “−31%”, “−31 %” in French. */
export function formatEffect(value: number, effect: Pick<Effect, "scale" | "unit">): string {
  const number = formatNumber(value, { signDisplay: "exceptZero", maximumSignificantDigits: 2 });
  return withUnit(number, effectUnit(effect));
}

/** A number beside its unit, as each language spaces them. */
export function withUnit(number: string, unit: string): string {
  if (unit === "") return number;
  return unit === "%" && language.current === "en" ? `${number}%` : `${number}${NO_BREAK}${unit}`;
}

export function effectUnit(effect: Pick<Effect, "scale" | "unit">): string {
  if (effect.scale === "percent") return "%";
  return typeof effect.unit === "string" ? unitWords(effect.unit, language.current) : effect.unit[language.current];
}

/** A share from 0 to 1 as a percentage, two figures long. */
export function formatShare(share: number): string {
  return withUnit(formatNumber(100 * share, { maximumSignificantDigits: 2 }), "%");
}

/** An amount of a currency (an ISO 4217 code), whole. */
export function formatMoney(amount: number, currency: string): string {
  return new Intl.NumberFormat(language.current, { style: "currency", currency, maximumFractionDigits: 0 }).format(amount);
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

/** From one day to another; `end` is the first moment that no longer belongs. */
export function formatDays(start: string, end: string, zone: string): string {
  const locale = language.current === "en" ? "en-GB" : "fr-FR";
  const days = new Intl.DateTimeFormat(locale, { dateStyle: "long", timeZone: zone });
  return asSpoken(days.formatRange(Date.parse(start), Date.parse(end) - 1));
}

/** A civil day (`YYYY-MM-DD`) or an instant, as a day of the city. */
export function formatCivilDay(day: string, zone: string): string {
  return day.length > 10 ? formatDay(day, zone) : formatDay(`${day}T12:00Z`, "UTC");
}

export function format(instant: number | string, options: Intl.DateTimeFormatOptions): string {
  const locale = language.current === "en" ? "en-GB" : "fr-FR";
  return asSpoken(new Intl.DateTimeFormat(locale, options).format(new Date(instant)));
}

/** In French the first of a month is “1er”, which Unicode's dates leave out. */
function asSpoken(words: string): string {
  return language.current === "fr" ? words.replace(/(?<!\d)1(?=[\u00a0 ]\p{Ll}{3})/gu, "1er") : words;
}

const DURATIONS = [
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
  ["second", 1],
] as const;

/** A length of time in the largest unit of which there are at least one and a half. */
export function formatDuration(seconds: number): string {
  const [unit, size] = DURATIONS.find(([, length]) => seconds >= 1.5 * length) ?? ["second", 1];
  const style = { style: "unit", unit, unitDisplay: "long", maximumFractionDigits: 0 } as const;
  return new Intl.NumberFormat(language.current, style).format(seconds / size);
}

/** A number of bytes, three figures long. */
export function formatBytes(bytes: number): string {
  const power = bytes < 1e3 ? 0 : bytes < 1e6 ? 1 : 2;
  const unit = (["byte", "kilobyte", "megabyte"] as const)[power];
  const style = { style: "unit", unit, unitDisplay: "short", maximumSignificantDigits: 3 } as const;
  return new Intl.NumberFormat(language.current, style).format(bytes / 1000 ** power);
}

export type Pooled = "sum" | "mean" | "max" | "min";

/** The statistic that stands for a longer interval: counts and sums add up, states and medians are averaged. */
export function pooledStatistic(statistic: Statistic): Pooled {
  if (statistic === "count" || statistic === "sum") return "sum";
  return statistic === "state" || statistic === "median" ? "mean" : statistic;
}
