// The catalogue: what each feed has of each quantity, as `/api/v1/datasets` lists it.

import type { Licence, Light, Page, Redistribute, Sector, Statistic, Text } from "./answers";
import { ask } from "./ask";

export interface Dataset {
  id: string;
  feed: string;
  quantity: string;
  sector: Sector;
  title: Text;
  feed_title: Text;
  publisher: string;
  licence: Licence;
  redistribute: Redistribute;
  unit: string;
  statistic: Statistic;
  interval: string;
  series: number;
  places: number;
  /** How many of its series have the words of the search. */
  matching: number;
  rows: number;
  first: string | null;
  last: string | null;
  /** Null where no series was judged. */
  light: Light | null;
  lights: Record<Light, number>;
}

export interface DatasetFile extends Dataset {
  months: Month[];
}

/** How many observations begin in a month of the city's calendar, of how many series. */
export interface Month {
  start: string;
  rows: number;
  series: number;
}

export interface DatasetQuery {
  q?: string | undefined;
  sector?: Sector | undefined;
}

const MOST = 1000;

export const listDatasets = (query: DatasetQuery, signal: AbortSignal) =>
  ask<Page<Dataset>>("/datasets", { ...query, limit: MOST }, signal);

/** `id` is the feed and the quantity with a slash between them. */
export const readDataset = (id: string, signal: AbortSignal) => ask<DatasetFile>(`/datasets/${pathOf(id)}`, {}, signal);

/** The path of all of a dataset's observations, from `/api/v1` on. */
export const observationsPath = (id: string) => `/datasets/${pathOf(id)}/observations`;

function pathOf(id: string): string {
  return id.split("/").map(encodeURIComponent).join("/");
}
