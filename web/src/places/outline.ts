// The city's areas and places as a small drawing, north up.

import type { City } from "../api/answers";

export interface Outline {
  width: number;
  height: number;
  /** The borders of all areas. */
  path: string;
  project: (position: readonly number[]) => [x: number, y: number];
  /** The position of a point of the drawing. */
  unproject: (point: readonly [x: number, y: number]) => [longitude: number, latitude: number];
}

/** The areas fitted to `width` units; a degree of longitude is shortened as the city's latitude asks. */
export function outlineOf(city: Pick<City, "bbox">, areas: GeoJSON.FeatureCollection, width: number): Outline {
  const [west, south, east, north] = city.bbox;
  const shorten = Math.cos((((south + north) / 2) * Math.PI) / 180);
  const scale = width / ((east - west) * shorten);
  const project = ([lon = 0, lat = 0]: readonly number[]): [number, number] => [
    (lon - west) * shorten * scale,
    (north - lat) * scale,
  ];
  const rings = areas.features.flatMap(({ geometry }) => ringsOf(geometry));
  const path = rings.map((ring) => ringPath(ring.map(project))).join("");
  const unproject = ([x, y]: readonly [number, number]): [number, number] => [west + x / scale / shorten, north - y / scale];
  return { width, height: (north - south) * scale, path, project, unproject };
}

function ringsOf(geometry: GeoJSON.Geometry): number[][][] {
  if (geometry.type === "Polygon") return geometry.coordinates;
  return geometry.type === "MultiPolygon" ? geometry.coordinates.flat() : [];
}

/** A closed path without the points that fall on their predecessor at this size. */
function ringPath(points: readonly (readonly [number, number])[]): string {
  const steps: string[] = [];
  let previous = "";
  for (const [x, y] of points) {
    const step = `${Math.round(x * 2) / 2} ${Math.round(y * 2) / 2}`;
    if (step !== previous) steps.push(step);
    previous = step;
  }
  return steps.length > 2 ? `M${steps.join("L")}Z` : "";
}
