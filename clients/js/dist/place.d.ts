import type { Cursor } from "./types.js";
/** The life of the log that a cursor is of: its first eight characters. */
export declare const epochOf: (cursor: Cursor) => string;
export declare const seqOf: (cursor: Cursor) => number;
/** Whether `a` is before `b`, in the same life of the log. */
export declare const isBefore: (a: Cursor, b: Cursor) => boolean;
/** What a name or a pattern selects: in it the segment `*` is one, and `**` one or more. */
export declare const selected: (selector: string) => RegExp;
