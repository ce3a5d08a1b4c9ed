// What part of the outline a map shows, in the outline's own units.

import type { Place } from "../api/answers";
import type { Outline } from "../places/outline";

export interface View {
  x: number;
  y: number;
  width: number;
  height: number;
}

export type Way = "left" | "right" | "up" | "down";

const HIGH = 0.75;
const CLOSEST = 1 / 64;
const MARGIN = 0.06;
/** A few places far out would make the map too small. */
const OUTER = 0.02;

/** The view that holds most of the places, in the shape that the map has; the whole outline where there are none. */
export function whole(outline: Outline, places: readonly Place[]): View {
  const points = places.flatMap(({ centre }) => (centre === null ? [] : [outline.project(centre)]));
  if (points.length === 0) return fit(0, 0, outline.width, outline.height);
  const [left, right] = middle(points.map(([x]) => x));
  const [top, bottom] = middle(points.map(([, y]) => y));
  const margin = MARGIN * Math.max(right - left, bottom - top, outline.width / 20);
  return fit(left - margin, top - margin, right - left + 2 * margin, bottom - top + 2 * margin);
}

function middle(values: number[]): [low: number, high: number] {
  values.sort((a, b) => a - b);
  const out = Math.floor(values.length * OUTER);
  return [values[out] ?? 0, values[values.length - 1 - out] ?? 0];
}

function fit(x: number, y: number, width: number, height: number): View {
  const wide = Math.max(width, height / HIGH);
  return { x: x - (wide - width) / 2, y: y - (wide * HIGH - height) / 2, width: wide, height: wide * HIGH };
}

/** The view so many times as wide, or moved by a third of itself; twice the whole is the widest. */
export function zoomed(view: View, times: number, full: View, way?: Way): View {
  const width = Math.min(2 * full.width, Math.max(full.width * CLOSEST, view.width * times));
  const height = width * HIGH;
  const aside = way === "left" ? -1 : way === "right" ? 1 : 0;
  const down = way === "up" ? -1 : way === "down" ? 1 : 0;
  return {
    x: view.x + (view.width - width) / 2 + (aside * width) / 3,
    y: view.y + (view.height - height) / 2 + (down * height) / 3,
    width,
    height,
  };
}
