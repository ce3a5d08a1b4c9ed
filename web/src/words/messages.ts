// The pages' own words: `t("key", {…})` in the reader's language.

import { en as pages } from "./en";
import { data as enData } from "./en.data";
import { study as enStudy } from "./en.study";
import { fr as frPages } from "./fr";
import { data as frData } from "./fr.data";
import { study as frStudy } from "./fr.study";
import { language } from "./language.svelte";

interface Plural {
  readonly one: string;
  readonly other: string;
}

const en = { ...pages, ...enData, ...enStudy };
const fr = { ...frPages, ...frData, ...frStudy };

type English = typeof en;
export type Key = keyof English;

/** A catalogue has each key of the English one, in the same form. */
export type Catalogue = { readonly [K in Key]: English[K] extends Plural ? Plural : string };

type Slots<Words> = Words extends `${string}{${infer Name}}${infer Rest}` ? Name | Slots<Rest> : never;
type SlotsOf<Entry> = Entry extends Plural ? Slots<Entry["other"]> : Slots<Entry>;
type Arguments<K extends Key> = [SlotsOf<English[K]>] extends [never]
  ? English[K] extends Plural
    ? [slots: { count: number }]
    : []
  : English[K] extends Plural
    ? [slots: { count: number } & Record<SlotsOf<English[K]>, string | number>]
    : [slots: Record<SlotsOf<English[K]>, string | number>];

const catalogues = { en, fr } satisfies Record<"en" | "fr", Catalogue>;
const plurals = { en: new Intl.PluralRules("en"), fr: new Intl.PluralRules("fr") };
const numbers = { en: new Intl.NumberFormat("en"), fr: new Intl.NumberFormat("fr") };

export function t<K extends Key>(key: K, ...[slots]: Arguments<K>): string {
  const entry: string | Plural = catalogues[language.current][key];
  const values: Record<string, string | number> = slots ?? {};
  const words = typeof entry === "string" ? entry : choose(entry, Number(values["count"]));
  return words.replace(/\{(\w+)\}/g, (_, name: string) => {
    const value = values[name] ?? "";
    return typeof value === "number" ? numbers[language.current].format(value) : value;
  });
}

function choose(entry: Plural, count: number): string {
  return plurals[language.current].select(count) === "one" ? entry.one : entry.other;
}
