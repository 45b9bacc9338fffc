import type { Transport } from "./transport.js";
import type { Gap, Message, Options, PublishOptions, Receipt, State, StateChange, SubscribeOptions, Subscription, TransportName } from "./types.js";
interface Listeners {
    state: (change: StateChange) => void;
    gap: (gap: Gap) => void;
    error: (error: Error) => void;
}
/** Where the transports are that are loaded on demand. */
export declare const far: {
    load: () => Promise<Record<string, Transport>>;
};
/**
 * A connection to an encke gateway that always gets through: it uses the best transport that works here, resumes from its place
 * after every break, and loses nothing or says what.
 */
export declare class Encke {
    #private;
    /** A client of the gateway at `url`, by default where the page came from. Nothing is sent before the first subscription or publish. */
    constructor(url?: string | URL, { transports, token: source, share, paths, pollInterval, buffer, heartbeat, }?: Options);
    get state(): State;
    /** What carries the messages now. */
    get transport(): TransportName | null;
    /** Follows a channel or a pattern. Messages come to `handler` in their order, each once. */
    subscribe<T = any>(channel: string, handler: (data: T, message: Message<T>) => void, options?: SubscribeOptions): Subscription;
    /** Publishes JSON, or bytes. While there is no connection it waits, bounded; it is stored once, and in the order of the calls. */
    publish(channel: string, data: unknown, options?: PublishOptions): Promise<Receipt>;
    /** Listens to changes of the connection, to gaps, or to errors that no promise tells. Returns what ends it. */
    on<Type extends keyof Listeners>(type: Type, listener: Listeners[Type]): () => void;
    /** Uses these transports from now on, best first; nothing is lost by the change. */
    use(...transports: TransportName[]): void;
    /** Ends everything; what waits to be published is refused. */
    close(): void;
}
export {};
