import type { Auth } from "./auth.js";
import type { Problem, PublishOptions, Receipt } from "./types.js";
/** What the gateway refused, with its reason. */
export declare class EnckeError extends Error {
    readonly problem: Problem;
    constructor(problem: Problem);
}
export type Outbox = ReturnType<typeof outbox>;
/** Publishes one batch after the other, so that the order is kept, and again with the same keys until it is answered. */
export declare const outbox: (url: () => string, auth: Auth, limit: number) => {
    flush: () => void;
    publish: (channel: string, data: unknown, { name, key }?: PublishOptions) => Promise<Receipt>;
    /** Nothing more is sent; what waits is refused. */
    close(): void;
};
