import type { Auth } from "./auth.js";
import type { Ask, Change, Item, Transport } from "./transport.js";
import type { Cursor, State, StateChange, TransportName } from "./types.js";
/** What the carrier serves. */
export interface Cargo {
    /** What is to be followed now. */
    channels(): string[];
    /** Where a link has to begin, if all of `covered` has come up to `place`. */
    start(place: Cursor | null, covered: string[]): Cursor;
    /** For those who follow nothing but `covered`: to others it may not come in order. */
    take(items: (Item | Change)[], covered: string[]): void;
    /** All of `covered` has come up to a place. */
    passed(place: Cursor, covered: string[]): void;
    /** The tab that holds the connection does not answer. */
    stranded(): void;
    changed(): void;
    failed(error: Error): void;
    ask(channels: string[], since: Cursor): Promise<Ask>;
    transport(name: TransportName): Promise<Transport>;
    /** Under which name is remembered what worked. */
    memory: string;
    heartbeat: number;
}
export type Carrier = ReturnType<typeof carrier>;
/**
 * Keeps one link alive over the best transport that lets anything through.
 *
 * It decides by evidence: a transport is dropped when it says nothing in time or breaks twice in a row, and better ones are tried
 * again later. A new link is opened beside the old one and takes over when it has spoken; it begins at the old one's place.
 */
export declare const carrier: (cargo: Cargo, auth: Auth) => {
    status: () => StateChange;
    covered: () => string[];
    /** Uses these, best first. What worked here before goes first, unless they are `wanted` in this order now. */
    use(names: TransportName[], wanted?: boolean): void;
    /** Carries from now on: by the tab that holds the connection, or by itself. */
    ride(by: Transport | null): void;
    update: () => void;
    /** Tries at once what is waited for, and looks whether the link lives: the network or the page has come back. */
    nudge(): void;
    /** Lets go of the network, until it rides again. */
    pause(state: State): void;
    /** What carries in the other tab has become known. */
    named(name: TransportName): void;
};
