import type { Cursor } from "./types.js";
/** The life of the log that a cursor is of: its first eight characters. */
export declare const epochOf: (cursor: Cursor) => string;
export declare const seqOf: (cursor: Cursor) => number;
/** Whether `a` is before `b`, in the same life of the log. */
export declare const isBefore: (a: Cursor, b: Cursor) => boolean;
/** Whether a channel is selected by a name or a pattern: `*` is one segment, `**` at the end one or more. */
export declare const selects: (selector: string, channel: string) => boolean;
