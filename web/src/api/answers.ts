// The shapes of the answers of /api/v1 that the pages read.

export type Language = "en" | "fr";
/** Words of a node, in each language of its city; always shown as text. */
export type Text = Readonly<Record<Language, string>>;

export type Sector = "mobility" | "energy" | "water" | "waste" | "air" | "citizens";
export type Verdict = "worked" | "harmed" | "rose" | "fell" | "no_effect_shown" | "cannot_tell_yet";
/** A verdict, or that there is none. */
export type Judged = Verdict | "unstudied";
export type Light = "green" | "amber" | "red";
export type Redistribute = "yes" | "derived" | "no";
export type Statistic = "mean" | "sum" | "max" | "min" | "count" | "state" | "median";

export interface Page<Item> {
  items: Item[];
  next: string | null;
}

export interface City {
  id: string;
  name: Text;
  country: string;
  time_zone: string;
  languages: string[];
  bbox: [number, number, number, number];
  centre: [number, number];
  version: string;
  now: string;
  divisions: { id: string; title: Text }[];
  /** A map from elsewhere to draw below, where the node's operator has set one. */
  tiles: { url: string; attribution: string } | null;
  sectors: SectorCount[];
  counts: Record<"places" | "series" | "observations" | "replies" | "refused" | "changes" | "findings", number>;
}

export interface SectorCount {
  sector: Sector;
  present: boolean;
  places: number;
  series: number;
  observations: number;
}

export interface Place {
  id: string;
  kind: string;
  name: string;
  geometry: GeoJSON.Geometry | null;
  centre: [number, number] | null;
  sectors: Sector[];
}

export interface Series {
  id: string;
  feed: string;
  place: string;
  place_name: string;
  quantity: string;
  facet: string;
  sector: Sector;
  unit: string;
  statistic: Statistic;
  interval: string;
  title: Text;
  centre: [number, number] | null;
  first: string | null;
  last: string | null;
  rows: number;
  redistribute: Redistribute;
  latest: Latest | null;
  /** The light of the newest value; null until the series is judged. */
  trust: Trust | null;
}

export interface Trust {
  light: Light;
  red_share: number;
  /** The first reason where it isn't green. */
  reason: Text | null;
}

export interface Latest {
  start: string;
  end: string;
  value: number;
  known_since: string;
}

export interface Observation {
  start: string;
  end: string;
  value: number | null;
  /** Absent where values are gathered into buckets. */
  known_since?: string;
  /** How many observations a bucket gathers. */
  count?: number;
}

export interface Quantity {
  name: string;
  title: Text;
  statistic: Statistic;
  kind: string;
  interval: string;
}

export interface Feed {
  id: string;
  title: Text;
  publisher: string;
  url: string;
  documentation: string;
  licence: Licence;
  redistribute: Redistribute;
  /** The publisher's claim; null for a feed that has ended. */
  cadence_seconds: number | null;
  quantities: string[];
  sectors: Sector[];
  replies: number;
  last_reply: string | null;
  observations: number;
  refused: number;
  /** The recording whose days the feed's values are of, where it is one that is played. */
  replay: { first: string; last: string; every_seconds: number; playing: boolean } | null;
  /** Null for a feed that the node doesn't ask. */
  asking: Asking | null;
  /** Null until any of its series is judged. */
  trust: FeedTrust | null;
}

export interface Licence {
  name: string;
  url: string;
  attribution: string;
}

/** When the publisher is asked and what came of it; `every_seconds` is null while this node doesn't ask by itself. */
export interface Asking {
  every_seconds: number | null;
  next: string | null;
  last: string | null;
  last_answer: string | null;
  failures: number;
  failing_since: string | null;
  reason: string | null;
  budgets: { id: string; calls: number; seconds: number; source: string; used: number }[];
}

export interface FeedTrust {
  light: Light;
  since: string;
  judged: string | null;
  lights: Record<Light, number>;
  reasons: Ground[];
  owner: string;
  last_good: string | null;
  message: Message | null;
}

/** Why a feed isn't green, and how many of its series it is so for; null for all of the feed. */
export interface Ground {
  check: string;
  title: Text;
  light: Light;
  reason: Text;
  series: number | null;
}

export interface Message {
  subject: Text;
  body: Text;
}

export type Span = [start: string, end: string];

/** The light of a series over all that is held of it. */
export interface SeriesTrust {
  series: string;
  title: Text;
  light: Light | null;
  red_share: number | null;
  start: string | null;
  end: string | null;
  red: Span[];
  amber: Span[];
  reasons: Mark[];
}

export interface Mark {
  check: string;
  title: Text;
  light: Light;
  start: string;
  end: string;
  reason: Text;
  /** What can be opened to see it; empty where the feed's rows may not leave the node. */
  evidence: Record<string, unknown>;
  said_since: string;
}

export interface Effect {
  value: number;
  /** Null where so few units bound no interval. */
  low: number | null;
  high: number | null;
  level: number;
  unit: Text | string;
  scale: "percent" | "level";
}

export interface FindingSummary {
  id: string;
  change: string;
  study: string;
  outcome: Text;
  verdict: Verdict;
  blocked_by: string[];
  effect: Effect | null;
  smallest_effect: number;
  wanted: "up" | "down" | "neither";
  sentence: Text;
  computed_at: string;
  retrospective: boolean;
}

export interface Check {
  name: string;
  title: Text;
  outcome: "passed" | "failed" | "not_applicable";
  detail: Text;
}

/** Something a study declares, with a code and its words. */
export interface Remark {
  text: Text;
}

export interface Placebo {
  /** The day at which the same method looked for an effect although this change had not happened. */
  at?: string;
  /** The place at which it looked although the change was not made there. */
  place?: string;
  value: number;
}

/** Days that a declaration leaves out, the last one included. */
export interface Excluded {
  start: string;
  end: string;
  why: Text;
}

export interface Declared {
  unit: "day" | "week" | "place" | "cluster" | "time" | "episode";
  exclude?: Excluded[];
  /** `note` says what else happened in the span of the placebo dates. */
  placebo?: { note?: Text };
  outcome: { feed: string };
  comparison?: { feed?: string };
  stop?: { rule: "fixed" | "looks"; looks?: string[] };
  /** The civil day on which the finding is to be published, whatever it says. */
  publish_on?: string | null;
}

/** A declaration that replaced another, in the open. */
export interface Amendment {
  amended_at: string;
  reason: string;
  data_seen: boolean;
}

/** What is counted at a time, or an episode. */
export type Every = "day" | "week" | "month" | "year" | "episode";

/** The effect so many times after the change began; before it where negative. */
export interface EventEffect {
  since: number;
  value: number | null;
  low: number | null;
  high: number | null;
}

export interface Alternative {
  method: { name: string; title: Text };
  effect: Effect | null;
  refused: string | null;
}

export interface Weight {
  place: string;
  name: string;
  weight: number;
}

export interface SeatedPlace {
  place: string;
  name: string;
  distance: number | null;
}

/** Another change in force meanwhile. */
export interface Interfering {
  id: string;
  title: Text;
  start: string;
  end: string | null;
}

export interface ComparisonSeries {
  change_at: string;
  /** Absent where a finding's own unit says it. */
  every?: Every;
  times: string[];
  treated: (number | null)[];
  comparison: (number | null)[];
  counterfactual: (number | null)[] | null;
  counterfactual_low: (number | null)[] | null;
  counterfactual_high: (number | null)[] | null;
  labels: { treated: Text; comparison: Text };
}

export interface DataUsed {
  series: string;
  rows: number;
  first: string;
  last: string;
  replies: number[];
}

export interface Finding extends FindingSummary {
  comparison: Text;
  /** Null where nothing was left to compare. */
  method: { name: string; title: Text; reference: string } | null;
  choice?: { text: Text } | null;
  inference?: { text: Text } | null;
  events?: EventEffect[];
  alternatives?: Alternative[];
  weights?: Weight[];
  places?: { treated: SeatedPlace[]; comparison: SeatedPlace[]; left_out: SeatedPlace[] } | null;
  interfering?: Interfering[];
  design?: "parts" | "places" | "episodes";
  reasons: (Remark & { code: string })[];
  assumptions: (Remark & { name: string })[];
  checks: Check[];
  placebos: Placebo[];
  chart: ComparisonSeries;
  data: DataUsed[];
  n: { before: number; after: number; series: number; series_left_out: number };
  /** What was red in the windows and cut out; absent in findings from before trust was measured. */
  trust?: Cut;
  declaration: { declared_at: string; hash: string; declaration: Declared; amendments?: Amendment[] };
}

export interface Cut {
  red_share: number;
  units: string[];
  series: string[];
  red: { place_name: string; start: string; end: string; reason: Text }[];
  red_count: number;
}

export interface Cost {
  amount: number;
  /** An ISO 4217 code. */
  currency: string;
  source: Link;
}

export interface Link {
  title: string;
  url: string;
}

export interface ChangeSummary {
  id: string;
  title: Text;
  what: Text;
  where: { name: Text; geometry: GeoJSON.Geometry | null; places: string[]; centres: [number, number][] };
  start: string;
  end: string | null;
  by: string;
  sector: Sector;
  links: Link[];
  cost: Cost | null;
  finding: FindingSummary | null;
  /** The light, by what is known now, of the data the finding used. */
  trust: Trust | null;
}

export interface Change extends Omit<ChangeSummary, "finding"> {
  finding: Finding | null;
}
