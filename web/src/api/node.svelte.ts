// Whether the node answers, and since when it does not.

const RETRY_MS = 5_000;

class Node {
  /** False from the first request that fails until one succeeds. */
  reachable = $state(true);
  /** When the node last answered. */
  lastAnswer = $state.raw<Date | null>(null);
  /** Grows each time the node comes back, so that what failed is asked again. */
  returns = $state(0);

  #timer: ReturnType<typeof setTimeout> | undefined;

  answered(): void {
    this.lastAnswer = new Date();
    if (!this.reachable) {
      this.reachable = true;
      this.returns += 1;
    }
  }

  lost(): void {
    this.reachable = false;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#knock(), RETRY_MS);
  }

  async #knock(): Promise<void> {
    try {
      await fetch("/api/v1/city", { cache: "no-store" });
    } catch {
      this.lost();
      return;
    }
    this.answered();
  }
}

export const node = new Node();
