// The shapes of the answers that a draft is made with.

import type { Every, Light, Sector, Text } from "../api/answers";

export type Wanted = "up" | "down" | "neither";

export interface Measured {
  feed: string;
  quantity: string;
  facet: string;
}

export interface Outcome extends Measured {
  feed_title: Text;
  sector: Sector;
  title: Text;
  unit: string;
  /** Those of the chosen places that have it. */
  places: string[];
  others: number;
  first: string | null;
  last: string | null;
  days_before: number;
  share: number;
  light: Light | null;
  offered: boolean;
  why: Text;
}

export interface Candidate {
  place: string;
  name: string;
  centre: [number, number] | null;
  distance: number | null;
  light: Light | null;
  proposed: boolean;
  why: { code: string; text: Text };
}

export interface Comparison {
  before: string;
  items: Candidate[];
}

/** Something that nobody chose: what it is, and why. */
export interface Default {
  key: string;
  value: string | number;
  text: Text;
}

export interface Declaration {
  change: { id: string; title: Text };
  study: {
    id: string;
    wanted: Wanted;
    smallest_effect: number;
    outcome: { title: Text };
    treated: { label: Text };
    comparison: { label: Text };
    every: Every;
    scale: "log" | "level";
    unit_word?: Text;
    windows: { before: [string, string]; after: [string, string] };
  };
}

export interface Proposal {
  declaration: Declaration;
  toml: string;
  hash: string;
  reasons: Default[];
  comparison: Candidate[];
}

export interface Power {
  unit: Text;
  every: Every;
  smallest_effect: number;
  places: { treated: number; comparison: number };
  history: { from: string; until: string; times: number };
  /** Null where the history is too short to try the study on. */
  can_show: boolean | null;
  tried: { treated: number; times_before: number; times_after: number; mde: number | null; power: number } | null;
  effects: { effect: number; power: number }[];
  false_alarms: number | null;
  studies: number;
  alternatives: { sentence: Text }[];
  interfering: { id: string; title: Text; from: string; until: string | null; everywhere: boolean }[];
  sentence: Text;
  settles: Text | null;
}

export interface Session {
  officer: string | null;
  expires: string | null;
  /** Whether there is anybody who could sign in. */
  account: boolean;
}

export interface Sealed {
  id: string;
  change: string;
  declared_at: string;
  retrospective: boolean;
  hash: string;
}
