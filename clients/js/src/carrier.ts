import type { Auth } from "./auth.js";
import { jitter } from "./random.js";
import type { Ask, Change, End, Item, Link, Transport } from "./transport.js";
import type { Cursor, State, StateChange, TransportName } from "./types.js";

/** Milliseconds. A link that says nothing for so long lets nothing through; where none did, each has longer in the next round. */
const OPENING = 1900;
/** A link that lived so long stands. */
const STEADY = 5000;
/** How long a peer has to answer a ping. */
const PONG = 3000;
/** When to try a better transport again, at first and at most. */
const CLIMB = 10_000;
const CLIMB_MOST = 300_000;

/** What the carrier serves. */
export interface Cargo {
  /** What is to be followed now. */
  channels(): string[];
  /** Where a link has to begin, if all of `covered` has come up to `place`. */
  start(place: Cursor | null, covered: string[]): Cursor;
  /** For those who follow nothing but `covered`: to others it may not come in order. */
  take(items: (Item | Change)[], covered: string[]): void;
  /** All of `covered` has come up to a place. */
  passed(place: Cursor, covered: string[]): void;
  /** The tab that holds the connection does not answer. */
  stranded(): void;
  changed(): void;
  failed(error: Error): void;
  ask(channels: string[], since: Cursor): Promise<Ask>;
  transport(name: TransportName): Promise<Transport>;
  /** Under which name is remembered what worked. */
  memory: string;
  heartbeat: number;
}

/** One attempt at a transport, and the link that comes of it. */
interface Try {
  rung: number;
  name: TransportName;
  began: number;
  /** When something came last; 0: nothing yet. */
  heard: number;
  pinged: number;
  place: Cursor;
  /** What it follows. */
  channels: string[];
  link?: Link;
  over?: boolean;
}

const NOTHING = { place: null, channels: [] };

export type Carrier = ReturnType<typeof carrier>;

/**
 * Keeps one link alive over the best transport that lets anything through.
 *
 * It decides by evidence: a transport is dropped when it says nothing in time or breaks twice in a row, and better ones are tried
 * again later. A new link is opened beside the old one and takes over when it has spoken; it begins at the old one's place.
 */
export const carrier = (cargo: Cargo, auth: Auth) => {
  let status: StateChange = { state: "idle", transport: null };
  /** The link that carries or did last: all of its channels has come up to its place. */
  let from: Pick<Try, "channels"> & { place: Cursor | null } = NOTHING;
  /** Goes before all others while another tab holds the connection. */
  let via: Transport | null = null;
  /** Whether it may use the network. */
  let rides = false;
  let ladder: TransportName[] = [];
  let rung = 0;
  /** Breaks in a row on this rung; and times that no rung held. */
  let breaks = 0;
  let rounds = 0;
  /** The link that carries, and one that is to take over. */
  let main: Try | null = null;
  let next: Try | null = null;
  let retry: ReturnType<typeof setTimeout> | undefined;
  let clock: ReturnType<typeof setInterval> | undefined;
  let climbAfter = CLIMB;
  let climbAt = 0;
  let told = 0;

  const show = (state: State, retryIn?: number) => {
    const transport = (state === "open" && main?.name) || null;
    if (state === status.state && transport === status.transport && !retryIn) return;
    status = { state, transport, retryIn };
    cargo.changed();
  };

  const drop = (one: Try | null) => {
    if (!one || one.over) return;
    one.over = true;
    one.link?.close();
  };

  const stop = (state: State) => {
    clearTimeout(retry);
    clearInterval(clock);
    retry = clock = undefined;
    drop(main);
    drop(next);
    main = next = null;
    show(state);
  };

  /** Opens a new link that takes over. While a retry is waited for, that will be it. */
  const renew = () => {
    if (!rides || retry !== undefined || !cargo.channels().length) return;
    drop(next);
    open(rung);
  };

  const open = async (rung: number) => {
    const name = ladder[rung];
    const channels = cargo.channels();
    const since = cargo.start(from.place, from.channels);
    const one: Try = { rung, name, channels, began: 0, heard: 0, pinged: 0, place: since };
    next = one;
    clock ??= setInterval(look, 500);
    if (!main) show("connecting");
    try {
      const [transport, asked] = await Promise.all([via ?? cargo.transport(name), cargo.ask(channels, since)]);
      if (one.over) return;
      one.began = Date.now();
      one.link = transport(asked, {
        alive: (place) => alive(one, place),
        take: (items) => take(one, items),
        end: (end) => ended(one, end),
      });
    } catch {
      ended(one, { failed: true });
    }
  };

  const pass = (one: Try) => {
    told = one.heard;
    cargo.passed(one.place, one.channels);
  };

  const alive = (one: Try, place?: Cursor) => {
    if (one.over) return;
    const first = !one.heard;
    one.heard = Date.now();
    one.pinged = 0;
    if (place) one.place = place;
    if (first) takeOver(one);
    if (place) pass(one);
  };

  const take = (one: Try, items: (Item | Change)[]) => {
    if (one.over || !items.length) return;
    alive(one);
    const covered = one.channels;
    for (const item of items) {
      if (item.type === "message") one.place = item.cursor;
      if (item.type === "unsubscribed") one.channels = one.channels.filter((channel) => channel !== item.channel);
    }
    cargo.take(items, covered);
  };

  const takeOver = (one: Try) => {
    drop(main);
    clearTimeout(retry);
    retry = undefined;
    from = main = one;
    next = null;
    if (one.rung !== rung) breaks = 0;
    rung = one.rung;
    climbAt = one.heard + climbAfter;
    show("open");
    update();
  };

  /** The channels have changed. */
  const update = () => {
    const channels = cargo.channels();
    if (!channels.length) {
      if (rides) stop("idle");
      from = NOTHING;
    } else if (!main) next || renew();
    // What is opening is looked at when it takes over.
    else if (!next) {
      const dropped = main.channels.filter((channel) => !channels.includes(channel));
      if (main.channels.length < channels.length + dropped.length || (dropped.length && !main.link?.drop)) renew();
      else if (dropped.length) {
        main.channels = channels;
        main.link!.drop!(dropped);
      }
    }
  };

  const climbLater = () => {
    climbAfter = Math.min(CLIMB_MOST, climbAfter * 2);
    climbAt = Date.now() + climbAfter;
  };

  const again = (ms: number) => {
    clearTimeout(retry);
    show(ms ? "waiting" : "connecting", Math.round(ms) || undefined);
    retry = setTimeout(() => {
      retry = undefined;
      renew();
    }, ms);
  };

  const ended = (one: Try, { problem, after, failed }: End) => {
    if (one.over) return;
    drop(one);
    if (one === next) {
      next = null;
      // A better transport does not get through yet; or there was none to try, or no token.
      if (main && (one.rung < rung || !one.link)) {
        if (one.rung + 1 < rung) open(one.rung + 1);
        else climbLater();
        return update();
      }
    }
    drop(main);
    main = null;
    if (problem?.remedy === "reauthenticate") auth.forget();
    if (problem?.remedy === "give-up") cargo.failed(new Error(problem.detail));
    if (after) return again(after * (1 + Math.random() / 4));
    if (failed && via) cargo.stranded();
    if (one.heard - one.began > STEADY) breaks = 0;
    if (!failed || via || (one.heard && !breaks++)) return again(jitter(0));
    if (one.heard) climbLater();
    breaks = 0;
    rung = one.rung + 1;
    if (rung < ladder.length) return again(0);
    rung = 0;
    again(jitter(++rounds));
  };

  /** What the clock is for: nothing tells that nothing comes. */
  const look = (patience = cargo.heartbeat * 1.2) => {
    const now = Date.now();
    if (next?.link && now - next.began > OPENING * (rounds + 1)) ended(next, { failed: true });
    if (!main) return;
    const { link, heard, began, pinged } = main;
    const silent = now - heard;
    if (link?.ping && silent > patience && !pinged) {
      main.pinged = now;
      link.ping();
    }
    if (link?.ping ? pinged && now - pinged > PONG : silent > (link?.quiet ?? cargo.heartbeat * 1.2)) ended(main, { failed: true });
    else if (now - began > STEADY) stands(main, now);
  };

  const stands = (one: Try, now: number) => {
    rounds = 0;
    if (now - told > STEADY) pass(one);
    if (via) return;
    remember(one.name);
    if (!rung) climbAfter = CLIMB;
    else if (now > climbAt && !next) open(0);
    if (auth.isDue(now)) {
      auth.forget();
      const link = one.link!;
      if (link.renew) auth.token().then(link.renew, () => {});
      else renew();
    }
  };

  /** What worked on the last page; storage may be closed to it. */
  const remember = (name?: TransportName): unknown => {
    try {
      const known = localStorage.getItem(cargo.memory);
      if (name && name !== known) localStorage.setItem(cargo.memory, name);
      return known;
    } catch {
      return;
    }
  };

  return {
    status: () => status,
    covered: () => from.channels,

    /** Uses these, best first. What worked here before goes first, unless they are `wanted` in this order now. */
    use(names: TransportName[], wanted?: boolean) {
      ladder = names;
      rung = wanted ? 0 : Math.max(0, names.indexOf(remember() as TransportName));
      climbAfter = CLIMB;
      renew();
    },

    /** Carries from now on: by the tab that holds the connection, or by itself. */
    ride(by: Transport | null) {
      rides = true;
      via = by;
      renew();
    },

    update,

    /** Tries at once what is waited for, and looks whether the link lives: the network or the page has come back. */
    nudge() {
      if (retry !== undefined) again(0);
      look(2000);
    },

    /** Lets go of the network, until it rides again. */
    pause(state: State) {
      rides = false;
      stop(state);
    },

    /** What carries in the other tab has become known. */
    named(name: TransportName) {
      if (!main) return;
      main.name = name;
      show(status.state);
    },
  };
};
