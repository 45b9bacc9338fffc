import { epochOf, selected, seqOf } from "../src/place.js";
import type { Item } from "../src/transport.js";
import type { Gap } from "../src/types.js";
import type { Log } from "./log.js";

/**
 * Judges what a reader was given against the log: D1 each message after its place, in order, or a gap that names it; D2 nothing
 * twice; and no gap without a reason.
 */
export const judge = (log: Log, channels: string[], since: string, items: Item[], mayMiss: boolean): string | undefined => {
  const mine = log.history.filter((entry) => entry.channels.some((name) => channels.some((selector) => selected(selector).test(name))));
  const index = (cursor: string) => mine.findIndex(({ epoch, seq }) => epoch === epochOf(cursor) && seq === seqOf(cursor));
  const gaps: Gap[] = [];

  const isTold = ({ epoch, seq, channels }: (typeof mine)[number]) =>
    gaps.some(({ channel, from, to }) => {
      if (!channels.some((name) => selected(channel).test(name))) return false;
      if (epochOf(from) === epochOf(to)) return epoch === epochOf(to) && seq > seqOf(from) && seq <= seqOf(to);
      if (epoch === epochOf(to)) return seq <= seqOf(to);
      return epoch === epochOf(from) ? seq > seqOf(from) : true;
    });

  const life = log.lives.indexOf(epochOf(since));
  let next = mine.findIndex(({ epoch, seq }) => log.lives.indexOf(epoch) > life || (epoch === epochOf(since) && seq > seqOf(since)));
  if (next < 0) next = mine.length;
  for (const item of items) {
    if (item.type === "gap") {
      if (!mayMiss) return `a gap without a reason: ${JSON.stringify(item)}`;
      gaps.push(item);
      continue;
    }
    const at = index(item.cursor);
    if (at < next) return `${item.cursor} came again, or is not its own`;
    for (; next < at; next++) if (!isTold(mine[next])) return `${mine[next].epoch}-${mine[next].seq} was skipped in silence before ${item.cursor}`;
    next = at + 1;
  }
  for (; next < mine.length; next++) if (!isTold(mine[next])) return `${mine[next].epoch}-${mine[next].seq} never came`;
  return undefined;
};

/** Random choices, the same for the same seed. */
export const dice = (seed: number) => {
  let state = seed * 2654435761;
  const random = () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
  const below = (limit: number) => Math.floor(random() * limit);
  const one = <T>(of: readonly T[]): T => of[below(of.length)];
  /** One or more of them, in their order. */
  const some = <T>(of: readonly T[]): T[] => {
    const chosen = of.filter(() => random() < 0.4);
    return chosen.length ? chosen : [one(of)];
  };
  return { random, below, one, some };
};
