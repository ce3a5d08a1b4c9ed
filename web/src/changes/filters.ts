// What the address says of the changes to list, and what the node is asked for it.

import { address } from "../address.svelte";
import type { City, Judged } from "../api/answers";
import type { ChangeQuery } from "../api/read";
import { SECTORS } from "../places/sectors";
import { formatInstant, startOfDay } from "../words/civil";

export const FILTERS = ["q", "sector", "verdict", "area", "from", "to"] as const;

export const JUDGED: readonly Judged[] = [
  "worked",
  "harmed",
  "rose",
  "fell",
  "no_effect_shown",
  "cannot_tell_yet",
  "unstudied",
];

const DAY = /^\d{4}-\d{2}-\d{2}$/;

/** A parameter of the address that is none of what it may be is as if it weren't there. */
export function readFilters(city: City): ChangeQuery {
  const from = readDay("from");
  const to = readDay("to");
  return {
    q: address.get("q"),
    sector: SECTORS.find((name) => name === address.get("sector")),
    verdict: JUDGED.find((name) => name === address.get("verdict")),
    area: address.get("area"),
    start: from && formatInstant(startOfDay(from, city.time_zone)),
    // The last day counts.
    end: to && formatInstant(startOfDay(dayAfter(to), city.time_zone)),
  };
}

function readDay(name: "from" | "to"): string | undefined {
  const day = address.get(name);
  return day !== undefined && DAY.test(day) && !Number.isNaN(Date.parse(day)) ? day : undefined;
}

function dayAfter(day: string): string {
  return new Date(Date.parse(day) + 86_400_000).toISOString().slice(0, 10);
}
