/** The interface of EventTube, for its pages. Loaded by the first one that is made. */
import type { Encke } from "./encke.js";
import type { Options } from "./types.js";
type Handler = (message: {
    event: string;
    data: unknown;
    type?: "broadcast";
}) => void;
export interface TubeOptions extends Options {
    connection: {
        host: string;
        port?: string | number;
    };
    /** How many handlers there may be; 0, the default: any number. */
    subLimit?: number;
}
/** EventTube over an encke gateway: its pages move by the name of the host. */
export declare class EventTube {
    #private;
    readonly options: TubeOptions;
    readonly Client: typeof Encke;
    constructor(options: TubeOptions, Client: typeof Encke);
    /** Connects; `sub` and `pub` do it too. */
    connect(): boolean;
    /** Hears an event; the promise is of an id, for `unsub`. */
    sub(event: string, handler: Handler): Promise<number>;
    /** Publishes to all who hear the event. */
    pub(event: string, data: unknown): Promise<void>;
    /** Publishes to all who are connected; handlers of `event` are called. */
    broadcast(data: unknown, event?: string): Promise<void>;
    /** Takes a handler away, or all of an event. */
    unsub(event: string, id?: number): Promise<void>;
    /** The name that its own SDK has. */
    unSub(event: string, id?: number): Promise<void>;
}
export {};
