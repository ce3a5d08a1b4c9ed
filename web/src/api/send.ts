// What changes something on the node, or has it work: a body is sent, and where it takes long its progress is told.

import { address, readProblem, Unreachable, Problem } from "./ask";
import { node } from "./node.svelte";

async function post(method: string, path: string, body: unknown, accept: string, signal: AbortSignal): Promise<Response> {
  let response: Response;
  const sent = body === undefined ? {} : { body: JSON.stringify(body) };
  try {
    const headers = { accept, "content-type": "application/json" };
    response = await fetch(address(path), { method, signal, headers, ...sent });
  } catch (error) {
    if (signal.aborted) throw error;
    node.lost();
    throw new Unreachable(path);
  }
  node.answered();
  if (!response.ok) throw await readProblem(response);
  return response;
}

export async function send<Answer>(path: string, body: unknown, signal: AbortSignal): Promise<Answer> {
  return (await (await post("POST", path, body, "application/json", signal)).json()) as Answer;
}

export async function remove(path: string, signal: AbortSignal): Promise<void> {
  await post("DELETE", path, undefined, "application/json", signal);
}

interface Line<Answer> {
  done?: number;
  total?: number;
  result?: Answer;
  problem?: { status: number; detail: string };
}

/** The last line's result of work that tells its progress; a problem in its place is thrown as any other. */
export async function sendWork<Answer>(
  path: string,
  body: unknown,
  progress: (done: number, total: number) => void,
  signal: AbortSignal,
): Promise<Answer> {
  const response = await post("POST", path, body, "application/x-ndjson", signal);
  const reader = (response.body as ReadableStream<Uint8Array<ArrayBuffer>>).pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  for (;;) {
    const { done, value } = await reader.read();
    text += value ?? "";
    const lines = text.split("\n");
    text = lines.pop() ?? "";
    for (const line of lines) {
      const read = JSON.parse(line) as Line<Answer>;
      if (read.problem) throw new Problem(read.problem.status, read.problem.detail);
      if (read.result !== undefined) return read.result;
      progress(read.done ?? 0, read.total ?? 0);
    }
    if (done) throw new Unreachable(path);
  }
}
