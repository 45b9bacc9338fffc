/** Full jitter: so that a thousand clients do not come back at once. */
export declare const jitter: (tries: number) => number;
/** A text that no other page makes. */
export declare const unique: () => string;
