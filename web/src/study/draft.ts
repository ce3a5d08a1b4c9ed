// What a person has chosen so far, and what of it the node is asked with.

import type { Text } from "../api/answers";
import { language } from "../words/language.svelte";
import type { Measured, Wanted } from "./answers";

export const STEPS = ["what", "where", "outcome", "comparison", "power", "declare", "run"] as const;
export type Step = (typeof STEPS)[number];

/** As many as the node takes of a side. */
export const MOST_PLACES = 200;

export interface Choices {
  title: Text;
  what: Text;
  by: string;
  linkTitle: string;
  linkUrl: string;
  start: string;
  ramp: string;
  end: string;
  whereName: Text;
  geometry: GeoJSON.Polygon | GeoJSON.MultiPolygon | null;
  places: string[];
  outcome: Measured | null;
  /** Those of the places that have the outcome. */
  treated: string[];
  wanted: Wanted | "";
  smallest: number;
  until: string;
  reach: number;
  /** Null where what the node proposes is taken. */
  comparison: string[] | null;
  before: string;
  every: "" | "day" | "week" | "month" | "year";
  method: string;
  scale: "" | "log" | "level";
  level: number;
  leastSeen: number;
  publishOn: string;
  id: string;
  /** The declaration as text where somebody edited it: then it says all. */
  toml: string;
}

export interface Draft {
  key: string;
  changed: number;
  step: Step;
  choices: Choices;
  /** What was declared of it. */
  declared: { study: string; change: string } | null;
}

const NO_WORDS: Text = { en: "", fr: "" };

export const NOTHING: Choices = {
  title: NO_WORDS,
  what: NO_WORDS,
  by: "",
  linkTitle: "",
  linkUrl: "",
  start: "",
  ramp: "",
  end: "",
  whereName: NO_WORDS,
  geometry: null,
  places: [],
  outcome: null,
  treated: [],
  wanted: "",
  smallest: 10,
  until: "",
  reach: 500,
  comparison: null,
  before: "",
  every: "",
  method: "auto",
  scale: "",
  level: 0.95,
  leastSeen: 0.8,
  publishOn: "",
  id: "",
  toml: "",
};

export function newDraft(): Draft {
  const key = `${Date.now().toString(36)}-${Math.random().toString(36).slice(2, 8)}`;
  return { key, changed: Date.now(), step: "what", choices: NOTHING, declared: null };
}

/** What still lacks at a step, as the key of the words that say so; null where nothing does. */
export function lackOf(step: Step, choices: Choices): Lack | null {
  const { title, by, linkTitle, linkUrl, start, ramp, end, places, outcome, wanted, until, smallest } = choices;
  if (step === "what") {
    if (spoken(title) === "") return "title";
    if (start === "") return "start";
    if (ramp !== "" && ramp < start) return "ramp";
    if (end !== "" && end < start) return "end";
    if (by.trim() === "") return "by";
    return linkTitle.trim() === "" || !/^https?:\/\/./.test(linkUrl) ? "link" : null;
  }
  if (step === "where") {
    if (places.length === 0) return "places";
    return places.length > MOST_PLACES ? "many" : null;
  }
  if (step === "outcome") {
    if (outcome === null) return "outcome";
    if (wanted === "") return "wanted";
    if (!(smallest > 0)) return "smallest";
    return until === "" || until <= start ? "until" : null;
  }
  return null;
}

export type Lack =
  | "title"
  | "start"
  | "ramp"
  | "end"
  | "by"
  | "link"
  | "places"
  | "many"
  | "outcome"
  | "wanted"
  | "smallest"
  | "until";

/** How far one can go: the index of the first step that lacks something. */
export function reachOf({ choices, declared }: Draft): number {
  if (declared !== null) return STEPS.indexOf("run");
  const lacking = STEPS.findIndex((step) => lackOf(step, choices) !== null);
  return lacking === -1 ? STEPS.indexOf("declare") : lacking;
}

/** Words in the reader's language, else in the other. */
export function spoken({ en, fr }: Text): string {
  return language.current === "en" ? en.trim() || fr.trim() : fr.trim() || en.trim();
}

/** Words in both languages: where nobody wrote one of them, it is the other's. */
function both(words: Text, otherwise?: Text): Text {
  const said = spoken(words) === "" && otherwise !== undefined ? otherwise : words;
  return { en: said.en.trim() || said.fr.trim(), fr: said.fr.trim() || said.en.trim() };
}

/** What the node is asked to make a declaration of. */
export function requestOf(choices: Choices): object {
  const chosen = <Value>(value: Value | "") => (value === "" ? null : value);
  return {
    told: {
      title: both(choices.title),
      what: both(choices.what, choices.title),
      by: choices.by.trim(),
      link: [{ title: choices.linkTitle.trim(), url: choices.linkUrl.trim() }],
      where: {
        name: both(choices.whereName, choices.title),
        geometry: choices.geometry,
        places: choices.geometry === null ? choices.treated : [],
      },
    },
    places: choices.treated,
    outcome: choices.outcome,
    wanted: choices.wanted,
    start: choices.start,
    ramp: chosen(choices.ramp),
    end: chosen(choices.end),
    until: choices.until,
    comparison: choices.comparison,
    reach_metres: choices.reach,
    smallest_percent: choices.smallest,
    before: chosen(choices.before),
    every: chosen(choices.every),
    method: choices.method,
    scale: chosen(choices.scale),
    level: choices.level,
    least_seen: choices.leastSeen,
    publish_on: chosen(choices.publishOn),
    id: chosen(choices.id),
  };
}

/** What the node is asked to find comparison places for. */
export function poolOf(choices: Choices): object {
  return {
    places: choices.treated,
    outcome: choices.outcome,
    start: choices.start,
    until: choices.until,
    before: choices.before === "" ? null : choices.before,
    geometry: choices.geometry,
    reach_metres: choices.reach,
    least_seen: choices.leastSeen,
    ramp: choices.ramp === "" ? null : choices.ramp,
    every: choices.every === "" ? null : choices.every,
    scale: choices.scale === "" ? null : choices.scale,
  };
}

/** The civil day so many months after another. */
export function monthsAfter(day: string, months: number): string {
  const date = new Date(`${day}T12:00Z`);
  const month = date.getUTCMonth() + months;
  const last = new Date(Date.UTC(date.getUTCFullYear(), month + 1, 0, 12)).getUTCDate();
  return new Date(Date.UTC(date.getUTCFullYear(), month, Math.min(date.getUTCDate(), last), 12)).toISOString().slice(0, 10);
}

/** The civil day so many days after another. */
export function daysAfter(day: string, days: number): string {
  return new Date(Date.parse(`${day}T12:00Z`) + days * 86_400_000).toISOString().slice(0, 10);
}
