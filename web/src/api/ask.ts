// One door to the node: every answer is JSON of its own origin, every failure says what came.

import { node } from "./node.svelte";

/** The node answered that it would not: a problem document (RFC 9457). */
export class Problem extends Error {
  readonly status: number;

  constructor(status: number, detail: string) {
    super(detail);
    this.status = status;
  }
}

/** Nothing came back: the node is down, or the way to it. */
export class Unreachable extends Error {}

export type Parameters = Record<string, string | number | undefined>;

export function address(path: string, parameters: Parameters = {}): string {
  const pairs = Object.entries(parameters)
    .filter(([, value]) => value !== undefined && value !== "")
    // A colon is legal in a query and keeps times readable in the line people copy.
    .map(([name, value]) => `${name}=${encodeURIComponent(String(value)).replaceAll("%3A", ":")}`);
  return `/api/v1${path}${pairs.length > 0 ? `?${pairs.join("&")}` : ""}`;
}

export async function ask<Answer>(path: string, parameters: Parameters, signal: AbortSignal): Promise<Answer> {
  let response: Response;
  const settled = node.asked();
  try {
    response = await fetch(address(path, parameters), { signal, headers: { accept: "application/json" } });
  } catch (error) {
    if (signal.aborted) throw error;
    node.lost();
    throw new Unreachable(path);
  } finally {
    settled();
  }
  node.answered();
  if (!response.ok) throw await readProblem(response);
  return (await response.json()) as Answer;
}

export async function readProblem(response: Response): Promise<Problem> {
  const isJson = response.headers.get("content-type")?.includes("json") ?? false;
  const body: unknown = isJson ? await response.json() : null;
  const said = typeof body === "object" && body !== null && "detail" in body ? String(body.detail) : response.statusText;
  return new Problem(response.status, said);
}
