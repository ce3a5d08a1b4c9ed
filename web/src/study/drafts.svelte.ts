// Drafts are kept in the browser: leaving and coming back loses nothing, and each change can be undone.

import { type Choices, type Draft, newDraft, type Step } from "./draft";

const MOST_DRAFTS = 20;
const MOST_UNDONE = 100;
/** Typing in one field is one change. */
const PAUSE_MS = 1500;

export class Drafts {
  readonly #name: string;
  current = $state.raw<Draft>(newDraft());
  kept = $state.raw<Draft[]>([]);
  /** False where the browser keeps nothing: private windows, a full disk. */
  keeps = $state(true);

  #past = $state.raw<Choices[]>([]);
  #future = $state.raw<Choices[]>([]);
  #typed = { field: "", at: 0 };

  constructor(city: string) {
    this.#name = `passerelle.drafts.${city}`;
    this.kept = this.#read();
    const last = this.kept[0];
    if (last !== undefined && last.declared === null) this.current = last;
  }

  get choices(): Choices {
    return this.current.choices;
  }

  get undoable(): boolean {
    return this.#past.length > 0;
  }

  get redoable(): boolean {
    return this.#future.length > 0;
  }

  /** Changes some choices, in one step that can be undone. */
  choose(choices: Partial<Choices>): void {
    const field = Object.keys(choices).join(" ");
    const now = Date.now();
    const typing = field === this.#typed.field && now - this.#typed.at < PAUSE_MS;
    this.#typed = { field, at: now };
    if (!typing) this.#past = [...this.#past, this.choices].slice(-MOST_UNDONE);
    this.#future = [];
    this.#put({ choices: { ...this.choices, ...choices } });
  }

  undo(): void {
    this.#move("past");
  }

  redo(): void {
    this.#move("future");
  }

  #move(to: "past" | "future"): void {
    const [from, other] = to === "past" ? [this.#past, this.#future] : [this.#future, this.#past];
    const choices = from.at(-1);
    if (choices === undefined) return;
    const left = from.slice(0, -1);
    const grown = [...other, this.choices];
    [this.#past, this.#future] = to === "past" ? [left, grown] : [grown, left];
    this.#typed = { field: "", at: 0 };
    this.#put({ choices });
  }

  go(step: Step): void {
    this.#put({ step });
  }

  declare(declared: { study: string; change: string }): void {
    this.#put({ declared, step: "run" });
  }

  begin(): void {
    this.#open(newDraft());
  }

  resume(key: string): void {
    const found = this.kept.find((draft) => draft.key === key);
    if (found !== undefined) this.#open(found);
  }

  forget(key: string): void {
    this.#keep(this.kept.filter((draft) => draft.key !== key));
    if (this.current.key === key) this.begin();
  }

  #open(draft: Draft): void {
    this.current = draft;
    this.#past = [];
    this.#future = [];
  }

  #put(changed: Partial<Draft>): void {
    this.current = { ...this.current, ...changed, changed: Date.now() };
    this.#keep([this.current, ...this.kept.filter(({ key }) => key !== this.current.key)].slice(0, MOST_DRAFTS));
  }

  #keep(drafts: Draft[]): void {
    this.kept = drafts;
    try {
      localStorage.setItem(this.#name, JSON.stringify(drafts));
      this.keeps = true;
    } catch {
      this.keeps = false;
    }
  }

  #read(): Draft[] {
    try {
      return JSON.parse(localStorage.getItem(this.#name) ?? "[]") as Draft[];
    } catch {
      return [];
    }
  }
}
