import type { Cursor } from "./types.js";

/** The life of the log that a cursor is of: its first eight characters. */
export const epochOf = (cursor: Cursor): string => cursor.slice(0, 8);
export const seqOf = (cursor: Cursor): number => +cursor.slice(9);

/** Whether `a` is before `b`, in the same life of the log. */
export const isBefore = (a: Cursor, b: Cursor): boolean => epochOf(a) === epochOf(b) && seqOf(a) < seqOf(b);

/** Whether a channel is selected by a name or a pattern: `*` is one segment, `**` at the end one or more. */
export const selects = (selector: string, channel: string): boolean => {
  if (selector === channel) return true;
  const want = selector.split(".");
  const have = channel.split(".");
  const rest = want.at(-1) === "**";
  if (rest) want[want.length - 1] = "*";
  return (rest ? want.length <= have.length : want.length === have.length) && want.every((part, i) => part === "*" || part === have[i]);
};
