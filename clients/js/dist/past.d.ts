import type { Auth } from "./auth.js";
import type { Reader } from "./reader.js";
import type { Ask, Transport } from "./transport.js";
import type { Cursor, TransportName } from "./types.js";
/** What catching up needs of the client. */
export interface Present {
    readers: Set<Reader>;
    /** The transports that ask; each failure tries the next. */
    ways: TransportName[];
    transport(name: TransportName): Promise<Transport>;
    ask(channels: string[], since: Cursor): Promise<Ask>;
    /** What the link brings. */
    covered(): string[];
    /** An answer came; some may have caught up. */
    answered(): void;
    failed(error: Error): void;
}
/**
 * Brings the past to new readers, by polls: whatever carries the present, the first answer needs one request only, and says at once
 * whether the gateway is there and what it refuses.
 */
export declare const past: ({ readers, ways, transport, ask, covered, answered, failed }: Present, auth: Auth) => {
    add(reader: Reader): void;
    /** Tries at once what is waited for. */
    nudge(): void;
};
