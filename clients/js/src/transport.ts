import type { Cursor, Gap, Message, Problem, TransportName } from "./types.js";

export type Item = Message | Gap;

/** What is asked of a transport: everything of `channels` after `since`. */
export interface Ask {
  channels: string[];
  since: Cursor;
  token: string | undefined;
  pollInterval: number;
  /** The address of a route, with what is asked in its query. */
  url(route: TransportName, more?: Record<string, string>): string;
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
  /** Something came: the link lives. All up to `place` has been told; with `back`, only if that is before the place so far. */
  alive(place?: Cursor, back?: boolean): void;
  /** Messages and gaps in their order. A message is a place too. */
  take(items: Item[]): void;
  /** The last word. */
  end(end: End): void;
}

export interface Link {
  close(): void;
  /** Makes the peer say something. */
  ping?(): void;
  /** Follows other channels from now on; the added ones after `since`. Without it a new link does. */
  change?(add: string[], drop: string[], since: Cursor): void;
}

export type Transport = (ask: Ask, tell: Tell) => Link;

/** What an answer that is not 2xx says. */
export const refusal = async (answer: Response): Promise<End> => {
  const { status, headers } = answer;
  const problem: Problem = { status, detail: `the answer was ${status}`, ...(await answer.json().catch(() => {})) };
  const after = 1000 * (problem.retry_after || +headers.get("retry-after")! || 0);
  return { failed: true, problem, after };
};

export const bearer = (token?: string): Record<string, string> => (token ? { authorization: `Bearer ${token}` } : {});
