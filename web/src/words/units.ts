// UCUM codes of quantities as people read them; a code without a row is shown as it is.

import type { Language } from "../api/answers";

const SIGNS: Record<string, string> = {
  "ug/m3": "µg/m³",
  "m3/h": "m³/h",
  "1": "",
  "MW.h": "MWh",
  "kW.h": "kWh",
  "g/(kW.h)": "g/kWh",
  "kg/(kW.h)": "kg/kWh",
  Cel: "°C",
  "EUR/(MW.h)": "€/MWh",
};

type Counted = readonly [one: string, many: string];

const COUNTED: Record<string, Record<Language, Counted>> = {
  bicycle: { en: ["bicycle", "bicycles"], fr: ["vélo", "vélos"] },
  vehicle: { en: ["vehicle", "vehicles"], fr: ["véhicule", "véhicules"] },
  dock: { en: ["dock", "docks"], fr: ["bornette", "bornettes"] },
  slot: { en: ["space", "spaces"], fr: ["place", "places"] },
  station: { en: ["station", "stations"], fr: ["station", "stations"] },
  charger: { en: ["charger", "chargers"], fr: ["borne", "bornes"] },
  point: { en: ["point", "points"], fr: ["point", "points"] },
  snapshot: { en: ["snapshot", "snapshots"], fr: ["relevé", "relevés"] },
  request: { en: ["request", "requests"], fr: ["demande", "demandes"] },
};

const PLURALS: Record<Language, Intl.PluralRules> = { en: new Intl.PluralRules("en"), fr: new Intl.PluralRules("fr") };

/** The unit's words beside `value`, or the plural where no number stands beside them. */
export function unitWords(code: string, language: Language, value?: number): string {
  const annotation = /^\{([^}]*)\}(.*)$/.exec(code);
  if (annotation === null) return SIGNS[code] ?? code;
  const [, thing = "", per = ""] = annotation;
  const counted = COUNTED[thing]?.[language];
  if (counted === undefined) return thing.replaceAll("_", " ") + per;
  const single = value !== undefined && PLURALS[language].select(value) === "one";
  return counted[single ? 0 : 1] + per;
}
