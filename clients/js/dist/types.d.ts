/** How a connection is made, best first: `ws`, `sse`, `longpoll`, `poll`; `iframe` and `jsonp` for where nothing else is let through. */
export type TransportName = "ws" | "sse" | "longpoll" | "poll" | "iframe" | "jsonp";
export type RouteName = Exclude<TransportName, "jsonp"> | "publish";
/** A place in the log, `7f3k2q9x-42`: everything up to and including it has been seen. One token, whatever is followed and however. */
export type Cursor = string;
/** A message as it is on the wire: <https://github.com/encke-rs/encke/blob/main/docs/spec/README.md#messages>. */
export interface Message<T = unknown> {
    type: "message";
    /** The channel by which it came. */
    channel: string;
    /** Its number in the log, rising over all channels; exact below 2^53. */
    seq: number;
    /** The number of the message before it in its channel; 0: there was none. */
    prev: number;
    /** The other channels of it that are followed here, each with the number of the message before it there. */
    also?: Record<string, number>;
    cursor: Cursor;
    /** When it was published (RFC 3339, UTC). */
    time: string;
    name?: string;
    content_type?: string;
    /** JSON as it was published, text as a string, anything else as `{ base64 }`. */
    data: T;
}
/** Messages that are missing: of `channel` everything after `from` up to and including `to`. */
export interface Gap {
    type: "gap";
    /** The name or pattern as it is followed. */
    channel: string;
    from: Cursor;
    to: Cursor;
    /** `lost`: something between here and the gateway swallowed them, found by `prev`. The others are the gateway's own words. */
    reason: "trimmed" | "epoch" | "future" | "slow" | "lost";
}
/** Where a published message is. */
export interface Receipt {
    cursor: Cursor;
    seq: number;
    subscribers?: number;
    /** It had been stored before, under the same key. */
    repeated?: boolean;
}
/** What went wrong, as the gateway says it (RFC 9457), and what to do about it. */
export interface Problem {
    type?: string;
    title?: string;
    status?: number;
    detail?: string;
    remedy?: "retry" | "reauthenticate" | "give-up" | "come-back-later";
    /** Seconds. */
    retry_after?: number;
}
export type State = "idle" | "connecting" | "open" | "waiting" | "closed";
export interface StateChange {
    state: State;
    /** What carries the messages now. In a tab that shares: what the tab that holds the connection uses. */
    transport: TransportName | null;
    /** Milliseconds until the next attempt, where `state` is `waiting`. */
    retryIn?: number;
}
export interface Options {
    /** What may be used, best first; `["ws", "sse", "longpoll", "poll"]` by default. */
    transports?: TransportName[];
    /** Asked for a token before the first request, when the last one is about to expire (`exp` of a JWT), and when it was refused. */
    token?: () => string | Promise<string>;
    /** Whether the tabs of an origin share one connection; true by default. Only tabs of the same subject do. */
    share?: boolean;
    /** Where the routes are, relative to the URL; their names by default. JSONP asks that of `poll`. */
    paths?: Partial<Record<RouteName, string>>;
    /** Milliseconds between two polls; 2,000 by default. */
    pollInterval?: number;
    /** How many publishes may wait for a connection; 256 by default. Beyond it they are refused. */
    buffer?: number;
    /** The gateway's `[stream] heartbeat` in milliseconds; 15,000 by default. A fifth longer without a byte is silence. */
    heartbeat?: number;
}
export interface SubscribeOptions {
    /** Where to begin: a cursor, `earliest`, `latest` (by default), `-20`, `-5m`, or an RFC 3339 time. */
    since?: string;
    /** Told of what is missing in this subscription. */
    gap?: (gap: Gap) => void;
}
export interface Subscription {
    readonly channel: string;
    /** Everything after this place comes; rejects if the gateway refuses, and then the subscription is over. */
    readonly ready: Promise<Cursor>;
    /** The place of what was handled last. */
    readonly cursor: Cursor | null;
    unsubscribe(): void;
}
export interface PublishOptions {
    name?: string;
    /** Makes a repetition safe; one is made if there is none, so that a retry stores nothing twice. */
    key?: string;
}
