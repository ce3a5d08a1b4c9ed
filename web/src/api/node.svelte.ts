// Whether the node answers, how fast, and since when it does not.

const RETRY_MS = 5_000;

/** A reader who has waited so long wonders whether something is broken. */
const SLOW_MS = 4_000;

class Node {
  /** False from the first request that fails until one succeeds. */
  reachable = $state(true);
  /** When the node last answered. */
  lastAnswer = $state.raw<Date | null>(null);
  /** Grows each time the node comes back, so that what failed is asked again. */
  returns = $state(0);

  /** How many answers have been waited for longer than that. */
  slow = $state(0);

  #timer: ReturnType<typeof setTimeout> | undefined;

  answered(): void {
    this.lastAnswer = new Date();
    if (!this.reachable) {
      this.reachable = true;
      this.returns += 1;
    }
  }

  /** Told as a question is asked; what comes back is called when its answer has come, or never will. */
  asked(): () => void {
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      this.slow += 1;
    }, SLOW_MS);
    return () => {
      clearTimeout(timer);
      if (late) this.slow -= 1;
    };
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
