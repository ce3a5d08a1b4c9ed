// How a feed has fared, as `/api/v1/feeds/{id}/record`, `/marks`, `/replies` and `/refused` say it.

import type { Light, Mark, Page, Text, Verdict } from "./answers";
import { ask } from "./ask";

export interface FeedRecord {
  said: Said[];
  periods: Period[];
  checks: CheckFound[];
  replies: Partial<Record<ReplyState, number>>;
  /** The median time from one reply to the next; null where nobody asks, or too few came. */
  measured_seconds: number | null;
  refused: { reason: Text; rows: number }[];
  findings: { finding: string; change: string; title: Text; verdict: Verdict }[];
}

/** A light this node gave the feed, and its series by light then. */
export interface Said {
  light: Light;
  since: string;
  until: string | null;
  lights: Record<Light, number>;
}

/** A day, month or year of what is held: the shares of its series' time that are marked. */
export interface Period {
  start: string;
  end: string;
  series: number;
  red: number;
  amber: number;
  light: Light;
}

export interface CheckFound {
  check: string;
  title: Text;
  meaning: Text;
  amber: number;
  red: number;
}

/** An interval that isn't green; the title is its series', null for all of the feed. */
export interface Found {
  mark: Mark & { series: string | null };
  title: Text | null;
}

export type ReplyState = "held" | "admitted" | "unreadable" | "posted";

export interface Reply {
  id: number;
  name: string;
  received: string;
  recorded: boolean;
  sha256: string;
  bytes: number;
  dropped: string | null;
  state: ReplyState;
  reason: string | null;
  rows: number;
  refused: number;
  checks: number;
  checked: string | null;
}

export interface RefusedRow {
  reply: number;
  row: number;
  reason: string;
  raw: string;
}

const pathOf = (feed: string) => `/feeds/${encodeURIComponent(feed)}`;

export const readRecord = (feed: string, signal: AbortSignal) => ask<FeedRecord>(`${pathOf(feed)}/record`, {}, signal);

export interface MarkQuery {
  check?: string | undefined;
  light?: string | undefined;
  limit: number;
}

export const listMarks = (feed: string, query: MarkQuery, signal: AbortSignal) =>
  ask<Page<Found>>(`${pathOf(feed)}/marks`, { ...query }, signal);

/** The feed's newest reply in a state, or null where it has none. */
export async function findReply(feed: string, became: ReplyState, signal: AbortSignal): Promise<Reply | null> {
  const page = await ask<Page<Reply>>(`${pathOf(feed)}/replies`, { became, limit: 1 }, signal);
  return page.items[0] ?? null;
}

/** The first refused rows. */
export const listRefused = (feed: string, limit: number, signal: AbortSignal) =>
  ask<Page<RefusedRow>>(`${pathOf(feed)}/refused`, { limit }, signal);
