// What keeps a verdict open, and what would settle it.

import { t } from "../words/messages";

export interface BlockedWords {
  reason: string;
  settled: string;
}

/** The words for a reason of `blocked_by`; a reason without words is shown by its own name. */
export function blockedWords(reason: string): BlockedWords {
  switch (reason) {
    case "too_few_units":
      return { reason: t("blocked.too_few_units"), settled: t("settle.too_few_units") };
    case "interval_too_wide":
      return { reason: t("blocked.interval_too_wide"), settled: t("settle.interval_too_wide") };
    default:
      return { reason: reason.replaceAll("_", " "), settled: "" };
  }
}
