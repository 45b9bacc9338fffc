import type { Change, Item } from "./transport.js";
import type { Cursor } from "./types.js";
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
export declare const reader: (channels: string[], since: string, { give, settle, pass }: Reading) => {
    channels: string[];
    since: () => string;
    seen: () => string | null;
    joined: () => boolean;
    settle: (error: Error | null, place?: Cursor) => void;
    isIn: (followed: string[]) => boolean;
    /** Takes a part of the past, up to `place`; has joined after the last. */
    catchUp(items: (Item | Change)[], place: Cursor, last: boolean): void;
    /** Takes what a link brings. */
    offer(item: Item | Change): void;
    /** Everything up to `place` has come; of another life of the log it says nothing. */
    passed(place: Cursor): void;
};
