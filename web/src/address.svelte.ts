// Where the reader is: path and query of the page's address, which can be kept and sent.

class Address {
  path = $state(location.pathname);
  query = $state.raw(new URLSearchParams(location.search));

  constructor() {
    addEventListener("popstate", () => this.#reread());
  }

  #reread(): void {
    this.path = location.pathname;
    this.query = new URLSearchParams(location.search);
  }

  /** The value of a query parameter, or undefined where the address has none. */
  get(name: string): string | undefined {
    return this.query.get(name) ?? undefined;
  }

  /** Sets or drops query parameters; `step` makes a new step that the back button undoes. */
  set(parameters: Record<string, string | undefined>, { step = false } = {}): void {
    const query = new URLSearchParams(this.query);
    for (const [name, value] of Object.entries(parameters)) {
      if (value === undefined || value === "") query.delete(name);
      else query.set(name, value);
    }
    this.#show(this.path, query, step);
  }

  /** Goes to another page, in a step that the back button undoes; a language that the address names is kept. */
  go(path: string, query: URLSearchParams = new URLSearchParams()): void {
    const language = this.get("lang");
    if (language !== undefined && !query.has("lang")) query.set("lang", language);
    this.#show(path, query, true);
  }

  #show(path: string, query: URLSearchParams, step: boolean): void {
    const text = query.toString();
    const url = text === "" ? path : `${path}?${text}`;
    if (step) history.pushState(null, "", url);
    else history.replaceState(null, "", url);
    this.#reread();
  }
}

export const address = new Address();

/** Lets a plain link to another page of this site change the page without loading it anew. */
export function followLink(event: MouseEvent): void {
  const link = event.target instanceof Element ? event.target.closest("a") : null;
  const ours = link !== null && link.origin === location.origin && !link.hasAttribute("download") && link.target === "";
  const otherwise = event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey;
  if (!ours || otherwise || link.hash !== "" || /^\/(api|health|metrics)\b/.test(link.pathname)) return;
  event.preventDefault();
  address.go(link.pathname, new URLSearchParams(link.search));
}
