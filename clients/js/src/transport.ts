import type { Cursor, Gap, Message, Problem, RouteName } from "./types.js";

export type Item = Message | Gap;

/** By somebody else's order a channel is followed from a place on, or no longer. */
export interface Change {
  type: "subscribed" | "unsubscribed";
  channel: string;
}

/** What is asked of a transport: everything of `channels` after `since`. */
export interface Ask {
  channels: string[];
  since: Cursor;
  token: string | undefined;
  pollInterval: number;
  /** The address of a route, with what is asked in its query. */
  url(route: RouteName, more?: Record<string, string>): string;
}

/** Why a link ended. With nothing in it: as it should, come again. */
export interface End {
  /** It broke, or never stood. */
  failed?: boolean;
  problem?: Problem;
  /** Milliseconds after which to come again, by the gateway's word. */
  after?: number;
}

/** What a transport tells of its link. */
export interface Tell {
  /** Something came: the link lives. All up to `place` has been told. */
  alive(place?: Cursor): void;
  /** What comes, in its order. A message is a place too. With `cut`, there may be more already. */
  take(items: (Item | Change)[], cut?: boolean): void;
  /** The last word. */
  end(end: End): void;
}

export interface Link {
  close(): void;
  /** How long it may say nothing, in milliseconds, if longer than a stream. */
  quiet?: number;
  /** Makes the peer say something. */
  ping?(): void;
  /** Goes on by another token of the same subject. */
  renew?(token?: string): void;
  /** Follows these no longer. What is followed too is asked of a new link: it brings all after its place in order, whatever had come. */
  drop?(channels: string[]): void;
}

export type Transport = (ask: Ask, tell: Tell) => Link;

/** What an answer that is not 2xx says. */
export const refusal = async (answer: Response): Promise<End> => {
  const { status, headers } = answer;
  const problem: Problem = { status, detail: `the answer was ${status}`, ...(await answer.json().catch(() => {})) };
  problem.retry_after ||= +headers.get("retry-after")! || 0;
  return { failed: true, problem, after: 1000 * problem.retry_after };
};

/** Sends a request. Passes by the cache: a browser lets one request wait for another of the same address, and streams do not end. */
export const get = (url: string, token: string | undefined, signal: AbortSignal, more?: RequestInit): Promise<Response> =>
  fetch(url, { headers: token ? { authorization: `Bearer ${token}` } : {}, signal, cache: "no-store", ...more });

/** For how long a request may be held at most, in milliseconds, with room for a slow way. */
export const HELD = 45_000;
