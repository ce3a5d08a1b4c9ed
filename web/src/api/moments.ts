// What the API answers of the city at a moment: docs/api.md says what each means.

import type { Light, Place, Redistribute, Sector, Series, Statistic, Text } from "./answers";

/** How much is held of a quantity from one feed. */
export interface Availability {
  feed: string;
  feed_title: Text;
  quantity: string;
  sector: Sector;
  unit: string;
  statistic: Statistic;
  redistribute: Redistribute;
  facets: string[];
  places: number;
  placed: number;
  first: string | null;
  last: string | null;
  observations: number;
  /** Of places with a position. */
  placed_observations: number;
  months: { start: string; observations: number }[];
}

/** A series at a moment; `newest` is null where nothing had begun by then, or nothing was known of it. */
export interface MomentValue {
  series: string;
  feed: string;
  place: string;
  place_name: string;
  quantity: string;
  facet: string;
  sector: Sector;
  unit: string;
  statistic: Statistic;
  newest: Newest | null;
  light: Light | null;
}

export interface Newest {
  start: string;
  end: string;
  /** Null where the feed's licence keeps it at the node. */
  value: number | null;
  known_since: string;
  age_seconds: number;
  /** Whether it still says something of the moment. */
  stands: boolean;
}

/** Values of several places taken together; `start` and `end` are null for states. */
export interface Together {
  statistic: Statistic;
  value: number;
  series: number;
  start: string | null;
  end: string | null;
  low: number;
  high: number;
}

export interface Measured {
  quantity: string;
  feed: string;
  unit: string;
  statistic: Statistic;
  places: number;
  series: number;
  standing: number;
  together: Together | null;
  apart: Text | null;
  values: MomentValue[];
}

export interface Profile {
  at: string;
  place: Place | null;
  area: { division: string; code: string; name: string } | null;
  sectors: { sector: Sector; present: boolean; measured: Measured[] }[];
}

/** A series of each of two places, or of one alone; `start` to `end` is what both hold. */
export interface Pair {
  sector: Sector;
  one: Series | null;
  other: Series | null;
  alike: boolean;
  reasons: Text[];
  start: string | null;
  end: string | null;
}

export interface Comparison {
  one: Place;
  other: Place;
  pairs: Pair[];
}
