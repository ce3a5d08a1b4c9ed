// Lights as they are drawn: a disc with a tick, a triangle with a stroke, a square with a cross; a dashed ring for none.

import { address } from "../address.svelte";
import type { Feed, Light } from "../api/answers";

interface LightShape {
  readonly colour: string;
  readonly outline: string;
  readonly sign?: string;
}

const RING = "M10 2a8 8 0 1 1 0 16a8 8 0 1 1 0 -16z";

export const LIGHT_SHAPES: Readonly<Record<Light | "none", LightShape>> = {
  green: { colour: "--light-green", outline: RING, sign: "M6.4 10.2l2.5 2.6l4.700 -5.200" },
  amber: { colour: "--light-amber", outline: "M10 1.500l9 16.500h-18z", sign: "M10 7.500v4.500M10 15v0.010" },
  red: { colour: "--light-red", outline: "M2 2h16v16h-16z", sign: "M6.500 6.500l7 7M13.500 6.500l-7 7" },
  none: { colour: "--light-none", outline: RING },
};

/** The lights a reader can choose, worst first; none is of a feed that was not judged. */
export const LIGHTS: readonly (Light | "none")[] = ["red", "amber", "green", "none"];

export const lightOf = (feed: Feed): Light | "none" => feed.trust?.light ?? "none";

/** The feeds that the address asks for: by words of title, publisher or id, by light and by sector. */
export function choose(feeds: readonly Feed[]): Feed[] {
  const words = plain(address.get("q") ?? "").split(/\s+/);
  const light = LIGHTS.find((name) => name === address.get("light"));
  const sector = address.get("sector");
  return feeds.filter((feed) => {
    const text = plain([feed.id, feed.title.en, feed.title.fr, feed.publisher].join(" "));
    const asked = (light ?? lightOf(feed)) === lightOf(feed) && (!sector || feed.sectors.some((name) => name === sector));
    return asked && words.every((word) => text.includes(word));
  });
}

/** Text as it is compared: without capitals and accents. */
function plain(text: string): string {
  return text.toLowerCase().normalize("NFD").replace(/\p{M}/gu, "");
}

const WORST_FIRST: readonly (Light | null)[] = ["red", "amber", "green", null];

/** The share of a feed's series that are red, then amber: what sorts feeds of one light. */
function badness(feed: Feed): number {
  const lights = feed.trust?.lights;
  if (lights === undefined) return 0;
  return (lights.red + lights.amber / 1e6) / Math.max(lights.red + lights.amber + lights.green, 1);
}

/** Feeds with the worst light first; a publisher that does not answer comes before what has not been judged. */
export function worstFirst(feeds: readonly Feed[]): Feed[] {
  const rank = (feed: Feed) => WORST_FIRST.indexOf(feed.trust?.light ?? null) - (feed.asking?.failing_since ? 0.5 : 0);
  return [...feeds].sort((one, other) => rank(one) - rank(other) || badness(other) - badness(one));
}
