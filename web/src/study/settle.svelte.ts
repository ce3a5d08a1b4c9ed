// What is still changing is asked of the node once it rests.

import { untrack } from "svelte";

/** The text as it was when it last rested for `pause` milliseconds. */
export function settle(read: () => string, pause: number): { readonly value: string } {
  let value = $state(untrack(read));
  $effect(() => {
    const text = read();
    const waiting = setTimeout(() => (value = text), pause);
    return () => clearTimeout(waiting);
  });
  return {
    get value() {
      return value;
    },
  };
}
