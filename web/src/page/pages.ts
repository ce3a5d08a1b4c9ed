// The pages of the site: which path shows which. All but the first are loaded when they are opened.

import type { Component } from "svelte";
import type { City } from "../api/answers";
import ChangesPage from "../changes/ChangesPage.svelte";

/** What every page is given: the city, and the id that its path ends with, empty where it has none. */
export interface PageProps {
  city: City;
  id: string;
}

type PageView = Component<PageProps>;

/** What the navigation names, in its order, each with the path of its first page. */
export const SECTIONS = { changes: "/", city: "/city", feeds: "/feeds", data: "/data" } as const;
export type Section = keyof typeof SECTIONS;

interface SitePage {
  path: RegExp;
  section: Section;
  load: () => Promise<{ default: PageView }>;
}

const PAGES: readonly SitePage[] = [
  { path: /^\/$/, section: "changes", load: async () => ({ default: ChangesPage }) },
  { path: /^\/changes\/([^/]+)$/, section: "changes", load: () => import("../changes/CasePage.svelte") },
  { path: /^\/studies\/new$/, section: "changes", load: () => import("../study/NewStudyPage.svelte") },
  { path: /^\/city$/, section: "city", load: () => import("../city/CityPage.svelte") },
  { path: /^\/feeds$/, section: "feeds", load: () => import("../trust/FeedsPage.svelte") },
  { path: /^\/feeds\/([^/]+)$/, section: "feeds", load: () => import("../trust/FeedPage.svelte") },
  { path: /^\/data$/, section: "data", load: () => import("../series/DataPage.svelte") },
  { path: /^\/data\/([^/]+)$/, section: "data", load: () => import("../series/SeriesPage.svelte") },
  { path: /^\/data\/([^/]+\/[^/]+)$/, section: "data", load: () => import("../series/DatasetPage.svelte") },
];

export interface Opened {
  page: SitePage;
  id: string;
}

/** The page of a path, or undefined where there is none. */
export function findPage(path: string): Opened | undefined {
  for (const page of PAGES) {
    const found = page.path.exec(path);
    if (found) return { page, id: decodeId(found[1] ?? "") };
  }
  return undefined;
}

function decodeId(id: string): string {
  try {
    return decodeURIComponent(id);
  } catch {
    return id;
  }
}
