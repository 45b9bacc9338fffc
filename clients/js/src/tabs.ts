import type { Carrier } from "./carrier.js";
import { unique } from "./random.js";
import type { Reader, Reading } from "./reader.js";
import type { Change, Item, Transport } from "./transport.js";
import type { Cursor, TransportName } from "./types.js";

/** How long a tab is served that is not heard of, in milliseconds; hidden tabs speak once a minute. */
const LEASE = 180_000;

/** What tabs tell each other. A tab that follows says `ask`, `ping`, `bye`; the one that leads answers, and says `lead` when it begins. */
interface Note {
  from?: string;
  ask?: { channels: string[]; since: Cursor };
  ping?: true;
  bye?: true;
  lead?: true;
  to?: string;
  name?: TransportName | null;
  items?: (Item | Change)[];
  place?: Cursor;
}

/** What the tabs need of the client. */
export interface Home extends Pick<Carrier, "ride" | "status" | "named"> {
  /** Reads for another tab. */
  serve(channels: string[], since: Cursor, reading: Reading): Reader;
  release(reader: Reader): void;
}

/** Whether this browser has what it takes. */
export const canShare = () => !!globalThis.BroadcastChannel && !!globalThis.navigator?.locks;

export type Tabs = ReturnType<typeof tabs>;

/**
 * The tabs of an origin share the connection of one of them: it holds a lock, and tells the others what comes.
 *
 * To a tab that follows, the channel to the leader is one more transport: it resumes from its cursor when the lead changes.
 */
export const tabs = (name: string, home: Home) => {
  const served = new Map<string, { reader: Reader; heard: number }>();
  /** The links of this tab to the leader, by their names. */
  const links = new Map<string, (note: Note) => void>();
  let channel: BroadcastChannel | undefined;
  let leads = false;
  let release: (() => void) | undefined;
  let waits: AbortController | undefined;

  const say = (note: Note) => channel?.postMessage(note);

  const answer = ({ from: to = "", ask, ping }: Note) => {
    const known = served.get(to);
    const tell = (more?: Note) => say({ to, name: home.status().transport, ...more });
    if (ping) {
      if (!known) return;
      known.heard = Date.now();
      return tell();
    }
    if (known) home.release(known.reader);
    served.delete(to);
    if (!ask) return;
    const reader = home.serve(ask.channels, ask.since, {
      give: (item) => tell({ items: [item] }),
      settle: () => {},
      pass: (place) => (Date.now() - served.get(to)!.heard > LEASE ? answer({ from: to, bye: true }) : tell({ place })),
    });
    served.set(to, { reader, heard: Date.now() });
    tell();
  };

  /** The transport of a tab that follows. */
  const follow: Transport = ({ channels, since }, tell) => {
    const from = unique();
    const ping = () => say({ from, ping: true });
    const beat = setInterval(ping, 30_000);
    links.set(from, (note) => {
      if (note.lead) return tell.end({});
      if (note.to !== from) return;
      tell.alive();
      if (note.name) home.named(note.name);
      if (note.items) tell.take(note.items);
      if (note.place) tell.alive(note.place);
    });
    say({ from, ask: { channels, since } });
    return {
      close() {
        clearInterval(beat);
        links.delete(from);
        say({ from, bye: true });
      },
      ping,
    };
  };

  /** Leads for as long as the promise is open. */
  const lead = () => {
    leads = true;
    home.ride(null);
    say({ lead: true });
    return new Promise<void>((done) => (release = done));
  };

  const hold = (options: LockOptions) => {
    const at = channel;
    const granted = (lock: Lock | null) => {
      // The tab has left since it asked, and may have come back and asked again.
      if (channel !== at) return;
      if (lock) return lead();
      home.ride(follow);
      waits = new AbortController();
      hold({ signal: waits.signal });
    };
    navigator.locks.request(name, options, granted).catch(() => {
      // The lead was taken away; or it is no longer waited for.
      if (!leads || channel !== at) return;
      leave();
      enter();
    });
  };

  /** Joins the tabs: leads if nobody does, else follows and waits to. */
  const enter = () => {
    channel = new BroadcastChannel(name);
    channel.onmessage = ({ data }: { data: Note }) => {
      if (leads && data.from) answer(data);
      else for (const hear of [...links.values()]) hear(data);
    };
    hold({ ifAvailable: true });
  };

  /** Leaves them; another may lead. */
  const leave = () => {
    waits?.abort();
    release?.();
    leads = false;
    for (const { reader } of served.values()) home.release(reader);
    served.clear();
    channel?.close();
    channel = undefined;
  };

  return {
    enter,
    leave,
    /** Takes the lead from a tab that does not answer. */
    steal() {
      if (!channel || leads) return;
      waits?.abort();
      hold({ steal: true });
    },
  };
};
