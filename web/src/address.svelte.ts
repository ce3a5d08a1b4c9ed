// Where the reader is: path, query and fragment of the page's address, which can be kept and sent.

class Address {
  path = $state(location.pathname);
  query = $state.raw(new URLSearchParams(location.search));
  fragment = $state(readFragment());

  constructor() {
    const reread = () => this.#reread();
    addEventListener("popstate", reread);
    addEventListener("hashchange", reread);
  }

  #reread(): void {
    this.path = location.pathname;
    this.query = new URLSearchParams(location.search);
    this.fragment = readFragment();
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
    this.#go(query, location.hash, step);
  }

  /** Opens or closes (with an empty text) what the fragment names. */
  setFragment(fragment: string): void {
    this.#go(this.query, fragment === "" ? "" : `#${fragment}`, true);
  }

  #go(query: URLSearchParams, hash: string, step: boolean): void {
    const text = query.toString();
    const url = `${location.pathname}${text === "" ? "" : `?${text}`}${hash}`;
    if (step) history.pushState(null, "", url);
    else history.replaceState(null, "", url);
    this.#reread();
  }
}

function readFragment(): string {
  return decodeURIComponent(location.hash.slice(1));
}

export const address = new Address();
