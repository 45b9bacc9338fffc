import type { Carrier } from "./carrier.js";
import type { Reader, Reading } from "./reader.js";
import type { Cursor } from "./types.js";
/** What the tabs need of the client. */
export interface Home extends Pick<Carrier, "ride" | "status" | "named"> {
    /** Reads for another tab. */
    serve(channels: string[], since: Cursor, reading: Reading): Reader;
    release(reader: Reader): void;
}
/** Whether this browser has what it takes. */
export declare const canShare: () => boolean;
export type Tabs = ReturnType<typeof tabs>;
/**
 * The tabs of an origin share the connection of one of them: it holds a lock, and tells the others what comes.
 *
 * To a tab that follows, the channel to the leader is one more transport: it resumes from its cursor when the lead changes.
 */
export declare const tabs: (name: string, home: Home) => {
    enter: () => void;
    leave: () => void;
    /** Takes the lead from a tab that does not answer. */
    steal(): void;
};
