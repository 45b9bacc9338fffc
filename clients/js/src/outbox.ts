import type { Auth } from "./auth.js";
import { jitter, unique } from "./random.js";
import { get, refusal } from "./transport.js";
import type { Problem, PublishOptions, Receipt } from "./types.js";

/** The gateway's defaults for a batch: its lines, and its 64 KiB, in characters of up to three bytes. */
const LINES = 100;
const LONG = 21_000;
/** The gateway knows a key for ten minutes, in milliseconds; a publish that was not answered is not repeated after this. */
const WINDOW = 540_000;

/** What the gateway refused, with its reason. */
export class EnckeError extends Error {
  constructor(readonly problem: Problem) {
    super(problem.detail);
  }
}

interface Letter {
  line: string;
  sent: (receipt: Receipt) => void;
  refused: (error: EnckeError) => void;
}

type Result = Partial<Receipt> & Problem;

const base64 = (bytes: Uint8Array): string => btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));

export type Outbox = ReturnType<typeof outbox>;

/** Publishes one batch after the other, so that the order is kept, and again with the same keys until it is answered. */
export const outbox = (url: () => string, auth: Auth, limit: number) => {
  const letters: Letter[] = [];
  /** How many of them go together, and since when they have been tried; others are not tried before these are answered. */
  let batch = 0;
  let began = 0;
  let busy = false;
  let tries = 0;
  let retry: ReturnType<typeof setTimeout> | undefined;

  /** Sends what waits, at once. */
  const flush = () => {
    clearTimeout(retry);
    if (!busy && letters.length) send();
  };

  const send = async () => {
    busy = true;
    if (!batch) {
      began = Date.now();
      for (let size = 0; batch < Math.min(LINES, letters.length); batch++) {
        size += letters[batch].line.length;
        if (batch && size > LONG) break;
      }
    }
    const sent = letters.slice(0, batch);
    const { results, problem } = await post(sent.map(({ line }) => line).join("\n"));
    // It was closed meanwhile.
    if (!letters.length) return;
    let after = 0;
    const again = sent.filter((letter, i) => {
      const result = results?.[i] ?? problem ?? {};
      if (result.cursor) return letter.sent(result as Receipt);
      if (result.remedy ? result.remedy === "give-up" : (result.status ?? 500) < 500 && !result.retry_after) return letter.refused(new EnckeError(result));
      if (Date.now() - began > WINDOW) return letter.refused(new EnckeError({ detail: "stored or not" }));
      after = Math.max(after, 1000 * (result.retry_after ?? 0), jitter(tries));
      return true;
    });
    letters.splice(0, batch, ...again);
    batch = again.length;
    tries = batch && tries + 1;
    busy = false;
    if (batch) retry = setTimeout(flush, after);
    else flush();
  };

  /** The results of a batch, or what was said to all of it; neither if there was no answer. */
  const post = async (body: string): Promise<{ results?: Result[]; problem?: Result }> => {
    try {
      const batch = new Blob([body], { type: "application/x-ndjson" });
      const answer = await get(url(), await auth.token(), AbortSignal.timeout(15_000), { method: "POST", body: batch });
      if (answer.ok) return await answer.json();
      const { problem } = await refusal(answer);
      if (problem?.remedy === "reauthenticate") auth.forget();
      return { problem };
    } catch {
      return {};
    }
  };

  return {
    flush,

    publish: (channel: string, data: unknown, { name, key }: PublishOptions = {}) =>
      new Promise<Receipt>((sent, refused) => {
        if (letters.length >= limit) return refused(new EnckeError({ detail: "full" }));
        const content = data instanceof Uint8Array ? { base64: base64(data) } : { data };
        const line = JSON.stringify({ channel, ...content, name, key: key ?? unique() });
        letters.push({ line, sent, refused });
        // What has to wait is not sent sooner because there is more.
        batch || flush();
      }),

    /** Nothing more is sent; what waits is refused. */
    close() {
      clearTimeout(retry);
      for (const { refused } of letters.splice(0)) refused(new EnckeError({ detail: "closed" }));
    },
  };
};
