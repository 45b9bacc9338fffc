/** How long before its end a token is renewed, in milliseconds. */
const EARLY = 30_000;

/** When a JWT ends, in milliseconds, and whose it is. A token of another kind has no end that can be seen. */
const read = (token: string): { exp?: number; sub?: string } => {
  try {
    return JSON.parse(atob(token.split(".")[1].replace(/-/g, "+").replace(/_/g, "/")));
  } catch {
    return {};
  }
};

export type Auth = ReturnType<typeof auth>;

/** The token of the application, asked for once and again when it is time to. */
export const auth = (source: (() => string | Promise<string>) | undefined, failed: (error: Error) => void) => {
  let known: Promise<string> | undefined;
  let end = Infinity;

  const forget = () => {
    known = undefined;
    end = Infinity;
  };

  const token = async () => {
    if (!source || known) return known;
    const asked = (known = Promise.resolve().then(source));
    // A failure is not kept: the next one who asks tries again.
    asked.catch((error) => {
      forget();
      failed(error);
    });
    end = 1000 * (read(await asked).exp ?? Infinity);
    return asked;
  };

  return {
    token,
    forget,
    isDue: (now: number) => now > end - EARLY,
    /** Whose tabs may share a connection. */
    async subject() {
      const text = (await token()) ?? "";
      return read(text).sub ?? text;
    },
  };
};
