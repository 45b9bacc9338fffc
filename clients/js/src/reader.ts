import { epochOf, isBefore, selected, seqOf } from "./place.js";
import type { Change, Item } from "./transport.js";
import type { Cursor, Gap, Message } from "./types.js";

/** How much may come by the link while a reader is still catching up; beyond it, it catches up further. */
const HELD = 1000;
/** Of how many channels the last message is remembered; where memory ends, nothing is claimed. */
const CHANNELS = 4096;

export type Reader = ReturnType<typeof reader>;

/** What comes of reading. */
export interface Reading {
  give(item: Item | Change): void;
  /** The past is there up to a place, or it was refused. */
  settle(error: Error | null, place?: Cursor): void;
  /** All up to a place has come. */
  pass?(place: Cursor): void;
}

/**
 * One who follows channels, from `since` on: gets each message once and in order, whatever link brings it, and is told what is missing.
 */
export const reader = (channels: string[], since: string, { give, settle, pass }: Reading) => {
  /** The place of what was given last. */
  let seen: Cursor | null = null;
  /** What came by the link before the past was there; `null` once it is. */
  let held: (Item | Change)[] | null = [];
  const selections = channels.map(selected);
  /** The last message of each channel. */
  const tips = new Map<string, number>();
  /** All after it was asked for; -1: the beginning was not a place, and what went before it is no loss. */
  let floor = -1;
  /** Up to where messages were told to be missing, by selector. */
  const told = new Map<string, Cursor>();

  const isPast = (place: Cursor, last: Cursor | null | undefined) => !!last && epochOf(last) === epochOf(place) && !isBefore(last, place);

  const takeGap = (gap: Gap) => {
    // Each new link tells it again until there is a place after it; and others may have begun earlier.
    if (isPast(gap.to, seen) || isPast(gap.to, told.get(gap.channel))) return;
    let { channel, from, to } = gap;
    let missed = [channel];
    // In another life of the log nothing that was known counts, of no channel.
    if (seen && epochOf(seen) !== epochOf(to)) {
      from = seen;
      missed = channels;
      tips.clear();
      told.clear();
      floor = -1;
      seen = `${epochOf(to)}-0`;
    }
    for (channel of missed) {
      told.set(channel, to);
      give({ ...gap, channel, from });
    }
  };

  const takeMessage = (message: Message) => {
    const { channel, prev, also, cursor, seq } = message;
    const epoch = epochOf(cursor);
    const lost = (channel: string, from: Cursor, to: number) =>
      takeGap({ type: "gap", channel, from, to: `${epoch}-${to}`, reason: "lost" });
    let mine = false;
    for (const [name, prior] of Object.entries({ ...also, [channel]: prev })) {
      const selector = channels.find((_, i) => selections[i].test(name));
      if (!selector) continue;
      mine = true;
      if (seen && epochOf(seen) !== epoch) lost(selector, seen, prior);
      const gap = told.get(selector);
      const known = Math.max(tips.get(name) ?? -1, floor, gap ? seqOf(gap) : -1);
      if (known >= 0 && prior > known) lost(selector, `${epoch}-${known}`, prior);
      tips.set(name, seq);
    }
    if (!mine) return;
    if (tips.size > CHANNELS) {
      tips.clear();
      floor = seq;
    }
    seen = cursor;
    give(message);
  };

  const judge = (item: Item | Change) => {
    if (item.type === "message") isPast(item.cursor, seen) || takeMessage(item);
    else if (channels.includes(item.channel)) {
      if (item.type === "gap") takeGap(item);
      if (item.type === "unsubscribed") {
        const at = channels.indexOf(item.channel);
        channels.splice(at, 1);
        selections.splice(at, 1);
        give(item);
      }
    }
  };

  return {
    channels,
    since: () => since,
    seen: () => seen,
    joined: () => !held,
    settle,
    isIn: (followed: string[]) => channels.every((channel) => followed.includes(channel)),

    /** Takes a part of the past, up to `place`; has joined after the last. */
    catchUp(items: (Item | Change)[], place: Cursor, last: boolean) {
      items.forEach(judge);
      since = place;
      if (!last || held!.length > HELD) {
        held = [];
        return;
      }
      seen = place;
      floor = seqOf(place);
      const late = held;
      held = null;
      // What a link has of another life of the log is older.
      for (const item of late!) if (epochOf((item as Gap).to ?? (item as Message).cursor ?? place) === epochOf(place)) judge(item);
      settle(null, place);
    },

    /** Takes what a link brings. */
    offer(item: Item | Change) {
      if (!held) judge(item);
      else if (held.length <= HELD) held.push(item);
    },

    /** Everything up to `place` has come; of another life of the log it says nothing. */
    passed(place: Cursor) {
      if (held) return;
      if (isBefore(seen!, place)) seen = place;
      pass?.(seen!);
    },
  };
};
