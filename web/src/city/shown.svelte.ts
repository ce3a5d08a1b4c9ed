// What the map and the list show: the values of a layer at a moment, by place, with the look of each.

import { Answer, follow } from "../api/answer.svelte";
import type { Place } from "../api/answers";
import type { Availability, MomentValue } from "../api/moments";
import { listValues, type Moment, sampleValues } from "../api/read";
import { formatInstant } from "../words/civil";
import { byPlace } from "./layers";
import { boundsOf, classOf, lookOf } from "./scale";

interface Asked {
  layer: Availability | undefined;
  facet: string;
  moment: Moment;
}

/** While the slider moves, moments that it leaves sooner are not asked for. */
const PAUSE_MS = 60;

/** Where between its first and its last value a layer is looked at for its scale: at odd hours, of all seasons. */
const SAMPLES = [0.08, 0.27, 0.43, 0.58, 0.74, 0.93];

/** Answers that are kept, so that a moment seen before comes at once. */
const MOST_KEPT = 100;

export class Shown {
  readonly values = new Answer<MomentValue[]>();
  #asked: () => Asked;
  #kept = new Map<string, MomentValue[]>();
  /** Whether any values have come: what is to be seen comes before what its scale is learnt from. */
  #begun = $derived(this.values.value !== undefined);
  #scale = follow(() => {
    const { layer } = this.#asked();
    return layer === undefined || !this.#begun ? null : (signal) => sample(layer, signal);
  });

  rows = $derived.by(() => byPlace(this.values.value ?? [], this.#asked().facet));
  byId = $derived.by(() => new Map(this.rows.map((row) => [row.place, row])));
  standing = $derived.by(() => this.rows.filter(({ value }) => value !== null).length);
  /** Bounds of the classes, the same at all moments, so that moments can be told apart. */
  bounds = $derived.by(() => {
    const { facet } = this.#asked();
    const sampled = (this.#scale.value ?? []).flatMap((values) => byPlace(values, facet));
    return boundsOf(sampled.flatMap(({ value }) => (value === null ? [] : [value])));
  });
  looks = $derived.by(
    () =>
      new Map(
        this.rows.map(({ place, value }) => [
          place,
          value === null ? null : lookOf(classOf(value, this.bounds), this.bounds),
        ]),
      ),
  );
  /** The layer's places, the same array as long as they are the same. */
  places = $state.raw<Place[]>([]);
  unplaced = $derived.by(() => this.places.filter(({ centre }) => centre === null).length);

  constructor(asked: () => Asked, known: () => readonly Place[]) {
    this.#asked = asked;
    let before: string | undefined;
    $effect(() => {
      const { layer, moment } = asked();
      if (layer === undefined) return;
      const { feed, quantity } = layer;
      if (before !== `${feed}/${quantity}`) this.values.forget();
      before = `${feed}/${quantity}`;
      const key = `${before} ${moment.at} ${moment.asKnownAt ?? ""}`;
      const kept = this.#kept.get(key);
      const fetching = async (signal: AbortSignal) => kept ?? this.#keep(key, await listValues({ feed, quantity }, moment, signal));
      const waiting = setTimeout(() => void this.values.load(fetching), kept ? 0 : PAUSE_MS);
      return () => clearTimeout(waiting);
    });
    $effect(() => {
      const all = new Map(known().map((place) => [place.id, place]));
      const wanted = this.rows.flatMap(({ place }) => all.get(place) ?? []);
      const same = wanted.length === this.places.length && wanted.every((place, at) => place === this.places[at]);
      if (!same) this.places = wanted;
    });
  }

  #keep(key: string, values: MomentValue[]): MomentValue[] {
    const oldest = this.#kept.keys().next().value;
    if (this.#kept.size >= MOST_KEPT && oldest !== undefined) this.#kept.delete(oldest);
    this.#kept.set(key, values);
    return values;
  }
}

/** Values of a layer at moments spread over what is held of it. */
async function sample({ feed, quantity, first, last }: Availability, signal: AbortSignal): Promise<MomentValue[][]> {
  const [begin, end] = [Date.parse(first ?? ""), Date.parse(last ?? "")];
  const moments = begin < end ? SAMPLES.map((share) => begin + share * (end - begin)) : [begin];
  const found: MomentValue[][] = [];
  // One after the other, so that a reader who moves on meanwhile doesn't wait for them.
  for (const at of moments) {
    found.push(await sampleValues({ feed, quantity }, { at: formatInstant(at), asKnownAt: undefined }, signal));
  }
  return found;
}
