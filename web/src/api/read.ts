// What the pages ask of the node, one function per question.

import type {
  Change,
  ChangeSummary,
  City,
  Feed,
  Judged,
  Observation,
  Page,
  Place,
  Quantity,
  Sector,
  Series,
  SeriesTrust,
  Trust,
} from "./answers";
import type { Availability, Comparison, MomentValue, Profile } from "./moments";
import { ask, type Parameters } from "./ask";

const PAGE = 1000;

export const readCity = (signal: AbortSignal) => ask<City>("/city", {}, signal);
export const readAreas = (signal: AbortSignal) => ask<GeoJSON.FeatureCollection>("/areas", {}, signal);
export const readFeed = (id: string, signal: AbortSignal) => ask<Feed>(`/feeds/${encodeURIComponent(id)}`, {}, signal);
export const listFeeds = (signal: AbortSignal) => listAll<Feed>("/feeds", {}, signal);

/** The first `limit` of a feed's series, worst first, each over all that is held of it. */
export const readFeedTrust = (id: string, limit: number, signal: AbortSignal) =>
  ask<Page<SeriesTrust>>(`/feeds/${encodeURIComponent(id)}/trust`, { whole: "true", limit }, signal);

export const readSeries = (id: string, signal: AbortSignal) =>
  ask<Series>(`/series/${encodeURIComponent(id)}`, {}, signal);
export const readChange = (id: string, signal: AbortSignal) =>
  ask<Change>(`/changes/${encodeURIComponent(id)}`, {}, signal);

export interface ChangeQuery {
  sector?: Sector | undefined;
  verdict?: Judged | undefined;
  area?: string | undefined;
  start?: string | undefined;
  end?: string | undefined;
  q?: string | undefined;
}

export const listChanges = (query: ChangeQuery, signal: AbortSignal) =>
  listAll<ChangeSummary>("/changes", { ...query }, signal);


export interface BundleFile {
  name: string;
  bytes: number;
}

/** The files of a finding's bundle as it may leave today. */
export const listFindingFiles = (id: string, signal: AbortSignal): Promise<BundleFile[]> =>
  ask<Page<BundleFile>>(`/findings/${encodeURIComponent(id)}/files`, {}, signal).then(({ items }) => items);

export const listPlaces = (signal: AbortSignal) => listAll<Place>("/places", {}, signal);

export const listAvailability = (signal: AbortSignal) => ask<Page<Availability>>("/availability", {}, signal);

/** When it was, and by what was known when: now where that is undefined. */
export interface Moment {
  at: string;
  asKnownAt: string | undefined;
}

export const listValues = (layer: { feed: string; quantity: string }, { at, asKnownAt }: Moment, signal: AbortSignal) =>
  listAll<MomentValue>("/values", { ...layer, at, as_known_at: asKnownAt }, signal);

/** Some of a layer's values, of the first thousand of its series. */
export async function sampleValues(
  layer: { feed: string; quantity: string },
  { at, asKnownAt }: Moment,
  signal: AbortSignal,
): Promise<MomentValue[]> {
  const page = await ask<Page<MomentValue>>("/values", { ...layer, at, as_known_at: asKnownAt, limit: PAGE }, signal);
  return page.items;
}

export const readProfile = (
  where: { place?: string | undefined; area?: string | undefined },
  { at, asKnownAt }: Moment,
  signal: AbortSignal,
) => ask<Profile>("/profile", { ...where, at, as_known_at: asKnownAt }, signal);

export const readComparison = (one: string, other: string, signal: AbortSignal) =>
  ask<Comparison>("/comparisons", { one, other }, signal);

export const listQuantities = (signal: AbortSignal) => listAll<Quantity>("/quantities", {}, signal);

export interface SeriesSearch {
  words?: string | undefined;
  sector?: Sector | undefined;
  feed?: string | undefined;
  quantity?: string | undefined;
  after?: string | undefined;
  limit: number;
}

export function searchSeries(search: SeriesSearch, signal: AbortSignal): Promise<Page<Series>> {
  const { words, sector, feed, quantity, after, limit } = search;
  return ask<Page<Series>>("/series", { q: words, sector, feed, quantity, cursor: after, limit }, signal);
}

export interface ObservationQuery {
  series: string;
  start: string;
  end?: string | undefined;
  /** A statistic and an ISO 8601 duration to gather by, or none for the values as published. */
  aggregate?: string | undefined;
  asKnownAt?: string | undefined;
}

export function observationParameters(query: ObservationQuery): Parameters {
  return { start: query.start, end: query.end, aggregate: query.aggregate, as_known_at: query.asKnownAt };
}

export function listObservations(query: ObservationQuery, signal: AbortSignal): Promise<Observation[]> {
  const path = `/series/${encodeURIComponent(query.series)}/observations`;
  return listAll<Observation>(path, observationParameters(query), signal);
}

/** The light of a series over `[start, end)`, null until it is judged. */
export async function readWindowTrust(query: ObservationQuery, signal: AbortSignal): Promise<Trust | null> {
  const path = `/series/${encodeURIComponent(query.series)}/observations`;
  const page = await ask<Page<Observation> & { trust: Trust | null }>(
    path,
    { start: query.start, end: query.end, as_known_at: query.asKnownAt, limit: 1 },
    signal,
  );
  return page.trust;
}

/** The days of the city on which a series has observations, with their number. */
export function countDays(series: string, signal: AbortSignal): Promise<Observation[]> {
  const path = `/series/${encodeURIComponent(series)}/observations`;
  return listAll<Observation>(path, { aggregate: "count:P1D" }, signal);
}

/** When the node learnt the earliest value of a series, or null where it has none. */
export async function readFirstKnown(series: string, signal: AbortSignal): Promise<string | null> {
  const path = `/series/${encodeURIComponent(series)}/observations`;
  const page = await ask<Page<Observation>>(path, { versions: "true", limit: 1 }, signal);
  return page.items[0]?.known_since ?? null;
}

async function listAll<Item>(path: string, parameters: Parameters, signal: AbortSignal): Promise<Item[]> {
  const items: Item[] = [];
  let cursor: string | undefined;
  do {
    const page: Page<Item> = await ask<Page<Item>>(path, { ...parameters, limit: PAGE, cursor }, signal);
    items.push(...page.items);
    cursor = page.next ?? undefined;
  } while (cursor !== undefined);
  return items;
}
