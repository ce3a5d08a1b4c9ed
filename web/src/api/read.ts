// What the pages ask of the node, one function per question.

import type {
  Change,
  ChangeSummary,
  City,
  Feed,
  FeedReply,
  Judged,
  Observation,
  Page,
  Place,
  Quantity,
  Sector,
  Series,
  SeriesTrust,
} from "./answers";
import { ask, type Parameters } from "./ask";

const PAGE = 1000;

export const readCity = (signal: AbortSignal) => ask<City>("/city", {}, signal);
export const readAreas = (signal: AbortSignal) => ask<GeoJSON.FeatureCollection>("/areas", {}, signal);
export const readFeed = (id: string, signal: AbortSignal) => ask<Feed>(`/feeds/${encodeURIComponent(id)}`, {}, signal);
export const listFeeds = (sector: Sector | undefined, signal: AbortSignal) => listAll<Feed>("/feeds", { sector }, signal);

/** The first `limit` of a feed's series, worst first, each over all that is held of it. */
export const readFeedTrust = (id: string, limit: number, signal: AbortSignal) =>
  ask<Page<SeriesTrust>>(`/feeds/${encodeURIComponent(id)}/trust`, { whole: "true", limit }, signal);

/** How many of a feed's replies could not be read, or null where it has more than one page of replies. */
export async function countUnreadable(feed: string, signal: AbortSignal): Promise<number | null> {
  const page = await ask<Page<FeedReply>>(`/feeds/${encodeURIComponent(feed)}/replies`, { limit: PAGE }, signal);
  return page.next === null ? page.items.filter(({ state }) => state === "unreadable").length : null;
}

export const readSeries = (id: string, signal: AbortSignal) =>
  ask<Series>(`/series/${encodeURIComponent(id)}`, {}, signal);
export const readPlace = (id: string, signal: AbortSignal) =>
  ask<Place>(`/places/${encodeURIComponent(id)}`, {}, signal);
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

export const listQuantities = (signal: AbortSignal) => listAll<Quantity>("/quantities", {}, signal);

export interface SeriesSearch {
  words?: string | undefined;
  sector?: Sector | undefined;
  place?: string | undefined;
  feed?: string | undefined;
  after?: string | undefined;
  limit: number;
}

export function searchSeries(search: SeriesSearch, signal: AbortSignal): Promise<Page<Series>> {
  const { words, sector, place, feed, after, limit } = search;
  return ask<Page<Series>>("/series", { q: words, sector, place, feed, cursor: after, limit }, signal);
}

export interface ObservationQuery {
  series: string;
  start: string;
  /** A statistic and an ISO 8601 duration to gather by, or none for the values as published. */
  aggregate?: string | undefined;
  asKnownAt?: string | undefined;
}

export function observationParameters(query: ObservationQuery): Parameters {
  return { start: query.start, aggregate: query.aggregate, as_known_at: query.asKnownAt };
}

export function listObservations(query: ObservationQuery, signal: AbortSignal): Promise<Observation[]> {
  const path = `/series/${encodeURIComponent(query.series)}/observations`;
  return listAll<Observation>(path, observationParameters(query), signal);
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
