import type { Auth } from "./auth.js";
import { EnckeError } from "./outbox.js";
import type { Reader } from "./reader.js";
/** What catching up needs of the client. */
export interface Present {
    has(reader: Reader): boolean;
    /** Whether the link brings all that comes for it. */
    covers(reader: Reader): boolean;
    /** The address of a poll. */
    url(channels: string[], since: string): string;
    /** An answer came, after so many milliseconds; some may have caught up. */
    answered(ms: number): void;
    refused(reader: Reader, error: EnckeError): void;
}
/**
 * Brings the past to new readers, by polls: whatever carries the present, the first answer needs one request only, and says at once
 * whether the gateway is there and what it refuses.
 */
export declare const past: (present: Present, auth: Auth) => {
    add(reader: Reader): void;
    /** Tries at once what is waited for. */
    nudge(): void;
};
