import type { Auth } from "./auth.js";
import { EnckeError } from "./outbox.js";
import { jitter } from "./random.js";
import type { Reader } from "./reader.js";
import { get, refusal, type End } from "./transport.js";

/** As many messages as a poll brings at most, and 1 MiB, in characters of up to three bytes; an answer with so much may not be the last. */
const FULL = 1000;
const LONG = 300_000;

/** What catching up needs of the client. */
export interface Present {
  has(reader: Reader): boolean;
  /** Whether the link brings all that comes for it. */
  covers(reader: Reader): boolean;
  /** The address of a poll. */
  url(channels: string[], since: string): string;
  /** An answer came, after so many milliseconds; some may have caught up. */
  answered(ms: number): void;
  refused(reader: Reader, error: EnckeError): void;
}

/**
 * Brings the past to new readers, by polls: whatever carries the present, the first answer needs one request only, and says at once
 * whether the gateway is there and what it refuses.
 */
export const past = (present: Present, auth: Auth) => {
  /** They begin together at the end of the present task. */
  let fresh: Reader[] = [];
  /** What waits, and need not when the page comes back. */
  const waits = new Set<() => void>();

  const pause = (ms: number) =>
    new Promise<void>((done) => {
      const over = () => {
        waits.delete(over);
        done();
      };
      waits.add(over);
      setTimeout(over, ms);
    });

  /** One poll for all of them, which may have to be followed by another. */
  const poll = async (readers: Reader[]): Promise<End> => {
    const began = Date.now();
    const sure = readers.map(present.covers);
    try {
      const url = present.url([...new Set(readers.flatMap((reader) => reader.channels))], readers[0].since());
      const answer = await get(url, await auth.token(), AbortSignal.timeout(15_000));
      if (!answer.ok) return await refusal(answer);
      const text = await answer.text();
      const { messages, cursor } = JSON.parse(text);
      const last = messages.length < FULL && text.length < LONG;
      // Where the link has begun with it meanwhile, something may be between them.
      readers.forEach((reader, i) => present.has(reader) && reader.catchUp(messages, cursor, last && (sure[i] || !present.covers(reader))));
      present.answered(Date.now() - began);
      return {};
    } catch {
      return { failed: true };
    }
  };

  const join = async (group: Reader[]): Promise<void> => {
    for (let tries = 0; ; ) {
      const readers = group.filter((reader) => present.has(reader) && !reader.joined());
      if (!readers.length) return;
      const { problem, after, failed } = await poll(readers);
      if (problem?.remedy === "give-up") {
        // One of them may be what was wrong.
        if (readers.length > 1) return readers.forEach((reader) => join([reader]));
        return present.refused(readers[0], new EnckeError(problem));
      }
      if (problem?.remedy === "reauthenticate") auth.forget();
      if (failed) await pause(after || jitter(tries++));
    }
  };

  /** Readers that begin at the same place catch up together; a count is of each one's own messages. */
  const begin = () => {
    const groups = new Map<unknown, Reader[]>();
    for (const reader of fresh) {
      const key = /^-\d+$/.test(reader.since()) ? reader : reader.since();
      groups.set(key, [...(groups.get(key) ?? []), reader]);
    }
    fresh = [];
    for (const group of groups.values()) join(group);
  };

  return {
    add(reader: Reader) {
      if (fresh.push(reader) === 1) queueMicrotask(begin);
    },
    /** Tries at once what is waited for. */
    nudge() {
      for (const over of waits) over();
    },
  };
};
