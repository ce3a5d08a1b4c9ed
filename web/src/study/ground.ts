// Which places lie in a drawn ground: points in polygons, and circles as polygons.

import type { Place } from "../api/answers";

export type Position = [longitude: number, latitude: number];

/** The Earth's mean radius in metres, as the node takes it. */
const EARTH_METRES = 6_371_008.8;
const CORNERS = 48;
const RADIANS = Math.PI / 180;

/** A circle of `metres` around a point, as a polygon. */
export function circleAround([longitude, latitude]: Position, metres: number): GeoJSON.Polygon {
  const degrees = metres / EARTH_METRES / RADIANS;
  const shorten = Math.cos(latitude * RADIANS);
  const ring = Array.from({ length: CORNERS + 1 }, (_, corner): Position => {
    const angle = (2 * Math.PI * (corner % CORNERS)) / CORNERS;
    return [round(longitude + (degrees * Math.cos(angle)) / shorten), round(latitude + degrees * Math.sin(angle))];
  });
  return { type: "Polygon", coordinates: [ring] };
}

/** The polygon of the corners that were set, closed. */
export function polygonOf(corners: readonly Position[]): GeoJSON.Polygon {
  const rounded = corners.map(([longitude, latitude]): Position => [round(longitude), round(latitude)]);
  return { type: "Polygon", coordinates: [[...rounded, rounded[0] as Position]] };
}

/** Some ten centimetres. */
function round(degrees: number): number {
  return Math.round(degrees * 1e6) / 1e6;
}

export function placesWithin(places: readonly Place[], ground: GeoJSON.Polygon | GeoJSON.MultiPolygon): string[] {
  const polygons = ground.type === "Polygon" ? [ground.coordinates] : ground.coordinates;
  return places.flatMap(({ id, centre }) => (centre && polygons.some((rings) => holds(rings, centre)) ? [id] : []));
}

/** Whether a point lies in a polygon: inside an odd number of its rings. */
function holds(rings: readonly GeoJSON.Position[][], [x, y]: Position): boolean {
  let inside = false;
  for (const ring of rings) {
    for (let at = 0, before = ring.length - 1; at < ring.length; before = at, at += 1) {
      const [ax = 0, ay = 0] = ring[at] ?? [];
      const [bx = 0, by = 0] = ring[before] ?? [];
      if (ay > y !== by > y && x < ((bx - ax) * (y - ay)) / (by - ay) + ax) inside = !inside;
    }
  }
  return inside;
}
