import { epochOf, selected, seqOf } from "../src/place.js";
import type { Item } from "../src/transport.js";
import type { Cursor, Gap, Message } from "../src/types.js";

interface Entry {
  seq: number;
  channels: string[];
  /** In each of its channels the number before it. */
  prev: Record<string, number>;
  data: unknown;
  name?: string;
}

/** What a poll answers. */
export interface Batch {
  messages: Item[];
  cursor: Cursor;
}

/** The model of the gateway's log: what is in it, and what a reader of some channels must get after a place. */
export class Log {
  epoch = "aaaaaaaa";
  head = 0;
  /** All that ever was appended, in all lives. */
  readonly history: { epoch: string; seq: number; channels: string[] }[] = [];
  readonly lives = [this.epoch];
  /** How many messages and gaps an answer has at most. */
  limit = 1000;
  #entries: Entry[] = [];
  /** Up to where a channel has been trimmed. */
  #trimmed = new Map<string, number>();
  /** The last number of each channel. */
  #tips = new Map<string, number>();
  #watchers = new Set<() => void>();

  cursor(seq = this.head): Cursor {
    return `${this.epoch}-${seq}`;
  }

  append(channels: string | string[], data: unknown = this.head + 1, name?: string): Cursor {
    const names = [channels].flat();
    const prev = Object.fromEntries(names.map((channel) => [channel, this.#tips.get(channel) ?? 0]));
    this.#entries.push({ seq: ++this.head, channels: names, prev, data, ...(name && { name }) });
    this.history.push({ epoch: this.epoch, seq: this.head, channels: names });
    for (const channel of names) this.#tips.set(channel, this.head);
    for (const watcher of [...this.#watchers]) watcher();
    return this.cursor();
  }

  /** Where a stream that was asked for with `since` begins. */
  place(since: string): Cursor {
    return this.cursor(this.#begin([], since || "latest"));
  }

  /** Calls after each append, until what it returns is called. */
  watch(watcher: () => void): () => void {
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  }

  /** Another life of the log, in which nothing of the last one is left. */
  restart(epoch: string): void {
    this.epoch = epoch;
    this.lives.push(epoch);
    this.head = 0;
    this.#entries = [];
    this.#trimmed.clear();
    this.#tips.clear();
  }

  /** Retention lets go of the messages of a channel up to a seq. */
  trim(channel: string, seq = this.head): void {
    this.#trimmed.set(channel, Math.max(seq, this.#trimmed.get(channel) ?? 0));
    for (const entry of this.#entries) if (entry.seq <= seq) entry.channels = entry.channels.filter((name) => name !== channel);
  }

  /** The numbers of what a reader of `selector` gets after a seq. */
  seqs(selector: string, after = 0): number[] {
    return this.#entries.filter(({ seq, channels }) => seq > after && channels.some((name) => selected(selector).test(name))).map(({ seq }) => seq);
  }

  /** What follows after `since`, and the place after it. */
  read(selectors: string[], since: string, limit = this.limit): Batch {
    const gaps: Gap[] = [];
    let after = this.#begin(selectors, since);
    if (/^\w{8}-\d+$/.test(since)) {
      const reason = epochOf(since) !== this.epoch ? "epoch" : seqOf(since) > this.head ? "future" : "trimmed";
      for (const channel of selectors) {
        const trimmed = Math.max(0, ...[...this.#trimmed].filter(([name]) => selected(channel).test(name)).map(([, seq]) => seq));
        if (reason === "trimmed" && trimmed <= after) continue;
        const to = this.cursor(reason === "future" ? this.head : trimmed);
        gaps.push({ type: "gap", channel, from: since, to, reason });
      }
    }
    const messages: Message[] = [];
    for (const { seq, channels, prev, data, name } of this.#entries) {
      if (seq <= after || messages.length === limit) continue;
      const followed = channels.filter((channel) => selectors.some((selector) => selected(selector).test(channel)));
      if (!followed.length) continue;
      const [channel, ...others] = followed;
      const also = Object.fromEntries(others.map((other) => [other, prev[other]]));
      const time = new Date(0).toISOString();
      messages.push({ type: "message", channel, seq, prev: prev[channel], ...(others.length && { also }), cursor: this.cursor(seq), time, ...(name && { name }), data });
    }
    after = messages.length === limit ? messages.at(-1)!.seq : this.head;
    return { messages: [...gaps, ...messages], cursor: this.cursor(after) };
  }

  /** The seq that a `since` means. */
  #begin(selectors: string[], since: string): number {
    if (since === "latest") return this.head;
    if (since === "earliest") return 0;
    if (/^-\d+$/.test(since)) {
      const all = [...new Set(selectors.flatMap((selector) => this.seqs(selector)))].sort((a, b) => a - b);
      return (all.at(+since) ?? 1) - 1;
    }
    if (!/^\w{8}-\d+$/.test(since)) throw new Error(`no place: ${since}`);
    return epochOf(since) === this.epoch ? Math.min(seqOf(since), this.head) : 0;
  }
}
