/** Full jitter: so that a thousand clients do not come back at once. */
export const jitter = (tries: number): number => Math.random() * Math.min(30_000, 500 * 2 ** tries);

/** A text that no other page makes. */
export const unique = (): string => crypto.getRandomValues(new Uint32Array(3)).join(".");
