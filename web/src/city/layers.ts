// What the map can show: a quantity from one feed, one of its divisions or all of them added up.

import type { Quantity } from "../api/answers";
import type { Availability, MomentValue } from "../api/moments";

/** In the address, all divisions of a quantity added up. */
export const ALL = "*";

/** `feed/quantity`, as the address holds it. */
export const keyOf = ({ feed, quantity }: Pick<Availability, "feed" | "quantity">): string => `${feed}/${quantity}`;

/** The layers whose values may be shown, those with the most seen of places on the map first. */
export function layersOf(held: readonly Availability[]): Availability[] {
  return held
    .filter(({ redistribute, last }) => redistribute === "yes" && last !== null)
    .sort((one, other) => other.placed_observations - one.placed_observations);
}

const ADDED_KINDS = new Set(["flow", "stock", "power"]);

/** The divisions to choose from; all added up comes first where they add up and the publisher has no whole. */
export function facetsOf(layer: Availability, quantity: Quantity | undefined): string[] {
  const adds = quantity !== undefined && ADDED_KINDS.has(quantity.kind) && !layer.facets.includes("");
  return adds && layer.facets.length > 1 ? [ALL, ...layer.facets] : layer.facets;
}

export interface PlaceValue {
  place: string;
  name: string;
  /** What stands at the moment, null where nothing does. */
  value: number | null;
  /** When the newest value began, be it too old to stand; null where there was none. */
  start: string | null;
}

/** One row a place: the value of a division, or those of all divisions that stand, added up. */
export function byPlace(values: readonly MomentValue[], facet: string): PlaceValue[] {
  const rows = new Map<string, PlaceValue>();
  for (const { place, place_name, facet: own, newest } of values) {
    if (facet !== ALL && own !== facet) continue;
    const row = rows.get(place) ?? { place, name: place_name, value: null, start: null };
    if (newest !== null && newest.stands && newest.value !== null) row.value = (row.value ?? 0) + newest.value;
    if (newest !== null && (row.start === null || newest.start > row.start)) row.start = newest.start;
    rows.set(place, row);
  }
  return [...rows.values()];
}
