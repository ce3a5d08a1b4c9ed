// The table of quantities: what a series measures, in the reader's language.

import type { Quantity, Series } from "../api/answers";
import { say } from "./language.svelte";

class Quantities {
  /** The node's own table, empty until it has been read. */
  table = $state.raw<readonly Quantity[]>([]);

  #titles = $derived(new Map(this.table.map(({ name, title }) => [name, title])));

  title(name: string): string {
    const title = this.#titles.get(name);
    return title === undefined ? name : say(title);
  }
}

export const quantities = new Quantities();

/** The quantity of a series, and its facet where it has one. */
export function quantityTitle(series: Pick<Series, "quantity" | "facet">): string {
  const title = quantities.title(series.quantity);
  return series.facet === "" ? title : `${title} · ${series.facet}`;
}
