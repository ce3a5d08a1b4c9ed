// Each sector's colour and shape, the same in the legend and on the map.

import type { Sector } from "../api/answers";

export const SECTORS: readonly Sector[] = ["mobility", "energy", "water", "waste", "air", "citizens"];

/** Outlines on a square of 16 units. */
export const SECTOR_SHAPES: Record<Sector, string> = {
  mobility: "M8 2.500a5.500 5.500 0 1 0 0 11a5.500 5.500 0 0 0 0-11Z",
  energy: "M8 1.500L14.500 13.500H1.500Z",
  water: "M8 1C10.500 5 13 7.200 13 10a5 5 0 0 1-10 0C3 7.200 5.500 5 8 1Z",
  waste: "M3 3H13V13H3Z",
  air: "M4.500 2H11.500L15 8L11.500 14H4.500L1 8Z",
  citizens: "M8 1L15 8L8 15L1 8Z",
};
