// An answer as a page shows it: what came last, whether more is coming, what went wrong.

import { node } from "./node.svelte";

export class Answer<Value> {
  /** The last good answer; kept while a newer one is fetched or fails. */
  value = $state.raw<Value | undefined>(undefined);
  failure = $state.raw<Error | undefined>(undefined);
  pending = $state(false);

  #running: AbortController | undefined;

  /** Fetches anew and drops what was still under way. */
  async load(fetching: (signal: AbortSignal) => Promise<Value>): Promise<void> {
    this.#running?.abort();
    const running = new AbortController();
    this.#running = running;
    this.pending = true;
    try {
      const value = await fetching(running.signal);
      if (running.signal.aborted) return;
      this.value = value;
      this.failure = undefined;
    } catch (error) {
      if (running.signal.aborted) return;
      this.failure = error instanceof Error ? error : new Error(String(error));
    }
    this.pending = false;
  }

  forget(): void {
    this.#running?.abort();
    this.value = undefined;
    this.failure = undefined;
    this.pending = false;
  }
}

/** Keeps an answer current: asks when what `fetching` reads changes, and when a lost node comes back. */
export function follow<Value>(fetching: () => ((signal: AbortSignal) => Promise<Value>) | null): Answer<Value> {
  const answer = new Answer<Value>();
  $effect(() => {
    void node.returns;
    const ask = fetching();
    if (ask === null) answer.forget();
    else void answer.load(ask);
  });
  return answer;
}
