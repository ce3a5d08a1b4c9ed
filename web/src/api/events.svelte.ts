// What happens in the node as it happens: one stream for all who listen, told to them at most every few seconds.

const PAUSE_MS = 3_000;
const KINDS = ["reply", "admitted", "unreadable", "failed", "recovered", "reparsed", "trust"] as const;

class Events {
  /** Grows when something happened to any feed. */
  count = $state(0);

  #source: EventSource | undefined;
  #listeners = 0;
  #waiting: ReturnType<typeof setTimeout> | undefined;

  /** A function that ends the listening; the stream closes when nobody listens any more. */
  listen(): () => void {
    this.#listeners += 1;
    if (this.#source === undefined) {
      this.#source = new EventSource("/api/v1/events");
      for (const kind of KINDS) this.#source.addEventListener(kind, () => this.#hear());
    }
    return () => {
      this.#listeners -= 1;
      if (this.#listeners > 0) return;
      this.#source?.close();
      this.#source = undefined;
      clearTimeout(this.#waiting);
      this.#waiting = undefined;
    };
  }

  #hear(): void {
    // A recording that plays tells several events a second.
    this.#waiting ??= setTimeout(() => {
      this.#waiting = undefined;
      this.count += 1;
    }, PAUSE_MS);
  }
}

const events = new Events();

/** Reads anew whatever reads `events` in an effect, while the component that calls this is there. */
export function followEvents(): Events {
  $effect(() => events.listen());
  return events;
}
