// UCUM codes of quantities as people read them; a code without a row is shown as it is.

import type { Language } from "../api/answers";

const SIGNS: Record<string, string> = {
  "ug/m3": "µg/m³",
  "mg/m3": "mg/m³",
  Cel: "°C",
  "1": "",
  m3: "m³",
  "m3/h": "m³/h",
  "MW.h": "MWh",
  "kW.h": "kWh",
  "g/(kW.h)": "g/kWh",
};

const COUNTED: Record<string, Record<Language, string>> = {
  bicycle: { en: "bicycles", fr: "vélos" },
  vehicle: { en: "vehicles", fr: "véhicules" },
  car: { en: "cars", fr: "voitures" },
  dock: { en: "docks", fr: "bornettes" },
  slot: { en: "slots", fr: "places" },
  space: { en: "spaces", fr: "places" },
  request: { en: "requests", fr: "demandes" },
  report: { en: "reports", fr: "signalements" },
  trip: { en: "trips", fr: "trajets" },
  entry: { en: "entries", fr: "entrées" },
  pickup: { en: "pick-ups", fr: "départs" },
  return: { en: "returns", fr: "retours" },
};

export function unitWords(code: string, language: Language): string {
  const annotation = /^\{([^}]*)\}(.*)$/.exec(code);
  if (annotation === null) return SIGNS[code] ?? code;
  const [, thing = "", per = ""] = annotation;
  return (COUNTED[thing]?.[language] ?? thing.replaceAll("_", " ")) + per;
}
