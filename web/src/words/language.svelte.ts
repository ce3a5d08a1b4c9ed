// The reader's language: from the address, else as chosen before, else the browser's.

import { address } from "../address.svelte";
import type { Language, Text } from "../api/answers";

const REMEMBERED = "passerelle.language";

export const LANGUAGES: readonly Language[] = ["fr", "en"];

function isLanguage(word: string | null | undefined): word is Language {
  return word === "en" || word === "fr";
}

function firstLanguage(): Language {
  const remembered = localStorage.getItem(REMEMBERED);
  if (isLanguage(remembered)) return remembered;
  return navigator.languages.map((tag) => tag.slice(0, 2)).find(isLanguage) ?? "en";
}

class Choice {
  #asked = $derived(address.get("lang"));
  #otherwise = firstLanguage();

  // Derived, so that another parameter of the address does not make every word of the page anew.
  readonly current: Language = $derived(isLanguage(this.#asked) ? this.#asked : this.#otherwise);

  choose(language: Language): void {
    localStorage.setItem(REMEMBERED, language);
    address.set({ lang: language });
  }
}

export const language = new Choice();

/** A node's words in the reader's language. */
export function say(text: Text | string): string {
  const words = typeof text === "string" ? text : text[language.current];
  return language.current === "fr" ? spaceFrench(words) : words;
}

/** French wants a space that does not break before high punctuation and inside guillemets, and a curved apostrophe. */
export function spaceFrench(words: string): string {
  return words.replace(/ ([;!?])/g, "\u202f$1").replace(/ ([:%»])/g, "\u00a0$1").replace(/« /g, "«\u00a0").replaceAll("'", "’");
}
