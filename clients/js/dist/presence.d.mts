/** One who is there, with however many connections. */
export interface Member {
    /** As whom he is counted: `subject:42`, `client:tab-1`. What is told in `$presence.<channel>` has it, too. */
    key: string;
    /** Who he is, if that is verified. */
    subject?: string;
    /** What his clients call themselves, which proves nothing. */
    clients?: string[];
    /** What the application tells of him. */
    info?: unknown;
    /** Since when (RFC 3339, UTC). */
    since: string;
    /** His connections by transport, and in all. */
    transports: Record<string, number>;
    connections: number;
    addresses?: string[];
}
export interface Members {
    channel: string;
    /** How many there are in all. */
    count: number;
    /** A page of them. */
    members: Member[];
    /** What to ask after for the next page, if there is one. */
    next?: string;
}
export interface PresenceOptions {
    /** The gateway; where the page came from by default. */
    url?: string | URL;
    /** Where the route is, relative to the URL. */
    path?: string;
    token?: string;
    after?: string;
    /** How many, at most; 1 to 1,000, by default 100. */
    limit?: number;
}
/** Asks who is on a channel. What is refused rejects, with the `problem`. */
export declare const presence: (channel: string, { url, path, token, after, limit }?: PresenceOptions) => Promise<Members>;
