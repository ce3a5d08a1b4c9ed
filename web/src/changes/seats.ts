// How much of the earth a drawing of compared places shows.

import type { City } from "../api/answers";

type Box = City["bbox"];

const KILOMETRES_A_DEGREE = 111.32;

/** The box of all places with a margin; that of the city where they lie in it. */
export function drawnBox(city: Box, places: readonly (readonly [number, number])[]): Box {
  const [west, south, east, north] = city;
  const inside = places.every(([lon, lat]) => lon >= west && lon <= east && lat >= south && lat <= north);
  const corners = inside ? [] : [[west, south] as const, [east, north] as const];
  const longitudes = [...places, ...corners].map(([lon]) => lon);
  const latitudes = [...places, ...corners].map(([, lat]) => lat);
  const least = inside ? 0.25 * (north - south) : 0;
  return widen([Math.min(...longitudes), Math.min(...latitudes), Math.max(...longitudes), Math.max(...latitudes)], least);
}

/** A tenth wider each way, and at least as high and wide as `least` degrees. */
function widen([west, south, east, north]: Box, least: number): Box {
  const wide = Math.max(0.1 * (east - west), (least - (east - west)) / 2, 0.002);
  const high = Math.max(0.1 * (north - south), (least - (north - south)) / 2, 0.002);
  return [west - wide, south - high, east + wide, north + high];
}

/** A length of 1, 2 or 5 times a power of ten that takes up to a third of the box's width, and its share of it. */
export function roundLength([west, south, east, north]: Box): { kilometres: number; share: number } {
  const across = (east - west) * KILOMETRES_A_DEGREE * Math.cos((((south + north) / 2) * Math.PI) / 180);
  const most = across / 3;
  const power = 10 ** Math.floor(Math.log10(most));
  const kilometres = power * ([5, 2, 1].find((step) => step * power <= most) ?? 1);
  return { kilometres, share: kilometres / across };
}
