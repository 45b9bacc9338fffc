import type { Auth } from "./auth.js";
import { EnckeError } from "./outbox.js";
import { jitter } from "./random.js";
import type { Reader } from "./reader.js";
import type { Ask, Change, End, Item, Transport } from "./transport.js";
import type { Cursor, TransportName } from "./types.js";

/** How long an answer may take, in milliseconds; the next may take longer. */
const LATE = 5000;

/** What catching up needs of the client. */
export interface Present {
  readers: Set<Reader>;
  /** The transports that ask; each failure tries the next. */
  ways: TransportName[];
  transport(name: TransportName): Promise<Transport>;
  ask(channels: string[], since: Cursor): Promise<Ask>;
  /** What the link brings. */
  covered(): string[];
  /** An answer came; some may have caught up. */
  answered(): void;
  failed(error: Error): void;
}

/**
 * Brings the past to new readers, by polls: whatever carries the present, the first answer needs one request only, and says at once
 * whether the gateway is there and what it refuses.
 */
export const past = ({ readers, ways, transport, ask, covered, answered, failed }: Present, auth: Auth) => {
  /** They begin together at the end of the present task. */
  let fresh: Reader[] = [];
  /** What waits, and need not when the page comes back. */
  let waits: (() => void)[] = [];

  /** How often no answer came. */
  let failures = 0;

  /** One answer for all of them, which may have to be followed by another. */
  const one = async (group: Reader[]): Promise<End> => {
    const isCovered = (one: Reader) => one.isIn(covered());
    const sure = group.map(isCovered);
    const channels = [...new Set(group.flatMap((one) => one.channels))];
    const [way, asked] = await Promise.all([transport(ways[failures % ways.length]), ask(channels, group[0].since())]);
    return new Promise((done) => {
      let taken: (Item | Change)[] = [];
      let last = true;
      const end = (end: End) => {
        clearTimeout(late);
        link.close();
        done(end);
      };
      const late = setTimeout(() => end({ failed: true }), LATE * (failures + 1));
      const link = way(asked, {
        take(items, cut) {
          taken = items;
          last = !cut;
        },
        alive(place) {
          // What got through goes first from now on.
          failures %= ways.length;
          waits = [];
          // Where the link has begun with it meanwhile, something may be between them.
          group.forEach((one, i) => readers.has(one) && one.catchUp(taken, place!, last && (sure[i] || !isCovered(one))));
          answered();
          end({});
        },
        end,
      });
    });
  };

  const join = async (group: Reader[]): Promise<void> => {
    for (;;) {
      group = group.filter((one) => readers.has(one) && !one.joined());
      if (!group.length) return;
      const { problem, after, failed: again } = await one(group).catch((): End => ({ failed: true }));
      // A route that is not there is one way less.
      if (problem?.remedy === "give-up" && (problem.status !== 404 || failures >= ways.length - 1)) {
        // One of them may be what was wrong.
        if (group.length > 1) return group.forEach((one) => join([one]));
        const error = new EnckeError(problem);
        readers.delete(group[0]);
        group[0].settle(error);
        return failed(error);
      }
      if (problem?.remedy === "reauthenticate") auth.forget();
      if (again)
        await new Promise<void>((done) => {
          waits.push(done);
          setTimeout(done, after || jitter(failures++));
        });
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
      for (const done of waits) done();
    },
  };
};
