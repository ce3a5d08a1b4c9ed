// Kinds of places in the reader's language; one that a feed brings beside these is shown as the feed writes it.

import { t } from "../words/messages";

const KINDS = [
  "counter",
  "station",
  "road_arc",
  "charging_station",
  "postal_code",
  "region",
  "neighbourhood",
  "garage",
  "network",
  "stop",
  "state",
] as const;

export function kindWords(kind: string): string {
  const known = KINDS.find((one) => one === kind.replaceAll(" ", "_"));
  return known === undefined ? kind.replaceAll("_", " ") : t(`study.kind.${known}`);
}
