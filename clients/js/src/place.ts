import type { Cursor } from "./types.js";

/** The life of the log that a cursor is of: its first eight characters. */
export const epochOf = (cursor: Cursor): string => cursor.slice(0, 8);
export const seqOf = (cursor: Cursor): number => +cursor.slice(9);

/** Whether `a` is before `b`, in the same life of the log. */
export const isBefore = (a: Cursor, b: Cursor): boolean => epochOf(a) === epochOf(b) && seqOf(a) < seqOf(b);

/** What a name or a pattern selects: in it the segment `*` is one, and `**` one or more. */
export const selected = (selector: string): RegExp => {
  const segment = (text: string) => (text === "*" ? "[^.]*" : text === "**" ? "[^]*" : text.replace(/\W/g, "\\$&"));
  return new RegExp(`^${selector.split(".").map(segment).join("\\.")}$`);
};
