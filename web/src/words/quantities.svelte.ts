// The table of quantities: what a series measures, in the reader's language.

import type { Quantity, Series } from "../api/answers";
import { say } from "./language.svelte";

class Quantities {
  /** The node's own table, empty until it has been read. */
  table = $state.raw<readonly Quantity[]>([]);

  #rows = $derived(new Map(this.table.map((row) => [row.name, row])));

  find(name: string): Quantity | undefined {
    return this.#rows.get(name);
  }

  title(name: string): string {
    const row = this.find(name);
    return row === undefined ? name : say(row.title);
  }
}

export const quantities = new Quantities();

/** The quantity of a series, and its facet where it has one. */
export function quantityTitle(series: Pick<Series, "quantity" | "facet">): string {
  const title = quantities.title(series.quantity);
  return series.facet === "" ? title : `${title} · ${series.facet}`;
}
