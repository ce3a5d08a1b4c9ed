// The scale of the map: up to five classes of values, each with a colour and a size of its own.

export const CLASSES = 5;

/** Radius of each class's mark in CSS pixels, and of a place where nothing stands. */
export const RADII = [4, 5.5, 7, 9, 11.5] as const;
export const ABSENT_RADIUS = 3;

/** The lower bound of each class after the first, ascending; what lies at a bound belongs to the class above. */
export type Bounds = readonly number[];

/** With fewer, nearly all values are alike, and their distinct values say more. */
const FEWEST_BOUNDS = 3;

/** Bounds with about as many of `values` between any two, rounded to numbers that people read. */
export function boundsOf(values: readonly number[]): Bounds {
  const bounds = cut(values);
  return bounds.length < FEWEST_BOUNDS ? cut([...new Set(values)]) : bounds;
}

function cut(values: readonly number[]): Bounds {
  const sorted = [...values].sort((a, b) => a - b);
  const low = sorted[0];
  const high = sorted.at(-1);
  if (low === undefined || high === undefined || low === high) return [];
  const step = roundUp((high - low) / 100);
  const cuts = Array.from({ length: CLASSES - 1 }, (_, index) => {
    const at = sorted[Math.floor(((index + 1) / CLASSES) * sorted.length)] ?? high;
    return Number((Math.round(at / step) * step).toPrecision(6));
  });
  return [...new Set(cuts)].filter((cut) => cut > low && cut <= high);
}

/** The least of 1, 2 or 5 times a power of ten that isn't below `size`. */
function roundUp(size: number): number {
  const power = 10 ** Math.floor(Math.log10(size));
  return power * ([1, 2, 5, 10].find((digit) => digit * power >= size * 0.999) ?? 10);
}

export function classOf(value: number, bounds: Bounds): number {
  let at = 0;
  while (at < bounds.length && value >= (bounds[at] as number)) at += 1;
  return at;
}

/** Which of the five looks a class has, so that few classes use all of the range. */
export function lookOf(at: number, bounds: Bounds): number {
  return bounds.length === 0 ? 2 : Math.round((at * (CLASSES - 1)) / bounds.length);
}
