import { get, HELD, refusal, type Transport } from "../transport.js";

/** As many messages as a poll brings at most, and 1 MiB, in characters of up to three bytes; an answer with so much may not be the last. */
const FULL = 1000;
const LONG = 300_000;

const pause = (ms: number) => new Promise((done) => setTimeout(done, ms));

/** How long a request may be held, in seconds; less where something on the way is more impatient. */
let hold = 25;

/**
 * Poll and long-poll are one loop: requests with a pause between them, or requests that are held.
 *
 * The first is not held: its answer shows that the way is open.
 */
const pull =
  (route: "poll" | "longpoll"): Transport =>
  (ask, tell) => {
    const stop = new AbortController();
    const { signal } = stop;

    const one = async (since: string, wait: number): Promise<Response | undefined> => {
      const began = Date.now();
      try {
        return await get(ask.url(route, route === "poll" ? { since } : { since, wait: `${wait}` }), ask.token, signal);
      } catch (error) {
        const held = Math.floor((Date.now() - began) / 1000);
        if (signal.aborted || held < 1 || wait < 2) throw error;
        hold = Math.max(1, held >> 1);
      }
    };

    const loop = async () => {
      let since = ask.since;
      for (let wait = 0; ; wait = hold) {
        const began = Date.now();
        const answer = await one(since, wait);
        if (!answer) continue;
        if (!answer.ok) return refusal(answer);
        const text = await answer.text();
        const { messages, cursor } = JSON.parse(text);
        if (signal.aborted) return {};
        const cut = messages.length >= FULL || text.length > LONG;
        tell.take(messages, cut);
        tell.alive((since = cursor));
        if (cut) continue;
        if (route === "poll") await pause(ask.pollInterval * (0.8 + 0.4 * Math.random()));
        // A node that is being drained holds nothing.
        else if (wait && !messages.length && Date.now() - began < 900) await pause(1000);
      }
    };

    loop().catch(() => ({ failed: true })).then(tell.end);
    return { close: () => stop.abort(), quiet: HELD + ask.pollInterval };
  };

export const poll = pull("poll");
export const longpoll = pull("longpoll");
