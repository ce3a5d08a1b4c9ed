// Each verdict's shape and colour; its word is in the catalogues.

import type { Verdict } from "../api/answers";

export interface VerdictShape {
  /** A custom property of tokens.css. */
  colour: string;
  /** An outline on a square of 24 units. */
  outline: string;
  /** What is drawn over the outline. */
  sign: string;
  /** Whether the outline is filled, or drawn as a broken line for a verdict that stays open. */
  filled: boolean;
}

const DISC = "M12 1.500a10.500 10.500 0 1 0 0 21a10.500 10.500 0 0 0 0-21Z";

export const VERDICT_SHAPES: Record<Verdict, VerdictShape> = {
  worked: { colour: "--verdict-worked", outline: DISC, sign: "M7 12.500l3.500 3.500l6.500-7.500", filled: true },
  harmed: {
    colour: "--verdict-harmed",
    outline: "M12 1L23 12L12 23L1 12Z",
    sign: "M8.500 8.500l7 7M15.500 8.500l-7 7",
    filled: true,
  },
  rose: { colour: "--verdict-moved", outline: "M12 2L23 21H1Z", sign: "M12 17.500v-7M9 13l3-3l3 3", filled: true },
  fell: { colour: "--verdict-moved", outline: "M12 22L1 3H23Z", sign: "M12 6.500v7M9 11l3 3l3-3", filled: true },
  no_effect_shown: { colour: "--verdict-none", outline: "M2 4H22V20H2Z", sign: "M7 12h10", filled: true },
  cannot_tell_yet: {
    colour: "--verdict-open",
    outline: DISC,
    sign: "M9.200 9.500a2.900 2.900 0 1 1 4 2.700c-.8.4-1.200 1-1.200 1.900M12 17v.2",
    filled: false,
  },
};
