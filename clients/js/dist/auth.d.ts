export type Auth = ReturnType<typeof auth>;
/** The token of the application, asked for once and again when it is time to. */
export declare const auth: (source: (() => string | Promise<string>) | undefined, failed: (error: Error) => void) => {
    token: () => Promise<string | undefined>;
    forget: () => void;
    isDue: (now: number) => boolean;
    /** Whose tabs may share a connection. */
    subject(): Promise<string>;
};
