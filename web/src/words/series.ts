// How a series is named: its quantity, and the facet where there is one.

import type { Series } from "../api/answers";
import { say } from "./language.svelte";

export function seriesTitle(series: Pick<Series, "title" | "facet">): string {
  return series.facet === "" ? say(series.title) : `${say(series.title)} · ${series.facet}`;
}
