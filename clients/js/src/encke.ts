import { auth } from "./auth.js";
import { carrier, type Carrier } from "./carrier.js";
import { EnckeError, outbox, type Outbox } from "./outbox.js";
import { past } from "./past.js";
import { isBefore } from "./place.js";
import { unique } from "./random.js";
import { reader, type Reader, type Reading } from "./reader.js";
import { canShare, tabs, type Tabs } from "./tabs.js";
import type { Ask, Item, Transport } from "./transport.js";
import { longpoll, poll } from "./transports/pull.js";
import { sse } from "./transports/sse.js";
import { ws } from "./transports/ws.js";
import type { Cursor, Gap, Message, Options, PublishOptions, Receipt, RouteName, State, StateChange, SubscribeOptions, Subscription, TransportName } from "./types.js";

interface Listeners {
  state: (change: StateChange) => void;
  gap: (gap: Gap) => void;
  error: (error: Error) => void;
}

/** Where the transports are that are loaded on demand. */
export const far = { load: (): Promise<Record<string, Transport>> => import("./legacy.mjs") };

/** What this page calls itself, whatever it asks for. */
const client = unique();

/** What can ask for the past; the last only where it is wanted. */
const WAYS: TransportName[] = ["poll", "longpoll", "jsonp"];

const load = async (name: TransportName): Promise<Transport> => {
  const own: Record<string, Transport> = { ws, sse, longpoll, poll };
  return own[name] || (await far.load())[name];
};

/** What an application throws is its own: it must not break the link. */
const guard = (call: () => void) => {
  try {
    call();
  } catch (error) {
    setTimeout(() => {
      throw error;
    });
  }
};

/**
 * A connection to an encke gateway that always gets through: it uses the best transport that works here, resumes from its place
 * after every break, and loses nothing or says what.
 */
export class Encke {
  readonly #carrier: Carrier;
  readonly #outbox: Outbox;
  readonly #listeners: { [Type in keyof Listeners]: Set<Listeners[Type]> } = { state: new Set(), gap: new Set(), error: new Set() };
  readonly #away = new AbortController();
  readonly #read: (channel: string, since: string, give: (item: Item) => void) => Subscription;

  /** A client of the gateway at `url`, by default where the page came from. Nothing is sent before the first subscription or publish. */
  constructor(
    url: string | URL = "/",
    {
      transports = ["ws", "sse", "longpoll", "poll"],
      token: source,
      share = true,
      paths = {},
      pollInterval = 2000,
      buffer = 256,
      heartbeat = 15_000,
    }: Options = {},
  ) {
    const base = new URL(url, globalThis.location?.href).href.replace(/\/?([?#].*)?$/, "/");
    const memory = `encke ${base}`;
    const failed = (error: Error) => this.#emit("error", error);
    const token = auth(source, failed);
    const readers = new Set<Reader>();
    let shared: Tabs | undefined;
    let entered = false;

    const locate = (route: RouteName, more: Record<string, string>, channels: string[] = []) => {
      const at = new URL(paths[route] ?? route, base);
      for (const channel of channels) at.searchParams.append("channel", channel);
      for (const name in more) at.searchParams.set(name, more[name]);
      return at.href;
    };

    const ask = async (channels: string[], since: Cursor): Promise<Ask> => ({
      channels,
      since,
      pollInterval,
      token: await token.token(),
      url: (route, more) => locate(route, { client, since, ...more }, channels),
    });

    /** The earliest place that somebody waits at. */
    const start = (place: Cursor | null, covered: string[]): Cursor => {
      for (const { joined, isIn, seen } of readers) if (joined() && !isIn(covered) && (!place || isBefore(seen()!, place))) place = seen();
      return place!;
    };

    const network = { ask, transport: load, failed };
    const carries = (this.#carrier = carrier(
      {
        ...network,
        channels: () => [...new Set([...readers].flatMap(({ joined, channels }) => (joined() ? channels : [])))],
        start,
        take: (items, covered) => items.forEach((item) => readers.forEach((reader) => reader.isIn(covered) && reader.offer(item))),
        passed: (place, covered) => readers.forEach((reader) => reader.isIn(covered) && reader.passed(place)),
        stranded: () => shared?.steal(),
        changed: () => {
          this.#emit("state", carries.status());
          // What waits to be published need not wait longer.
          if (this.state === "open") this.#outbox.flush();
        },
        memory,
        heartbeat,
      },
      token,
    ));
    carries.use(transports);
    this.#outbox = outbox(() => locate("publish", { client }), token, buffer);

    const catching = past(
      {
        ...network,
        readers,
        ways: WAYS.filter((name) => name !== "jsonp" || transports.includes(name)),
        covered: carries.covered,
        answered: carries.update,
      },
      token,
    );

    const add = (channels: string[], since: string, reading: Reading) => {
      const one = reader(channels, since, reading);
      readers.add(one);
      catching.add(one);
      enter();
      return one;
    };
    const release = (one: Reader) => {
      if (readers.delete(one)) carries.update();
    };

    /** Finds out whether this tab holds the connection or another one does, and carries. */
    const enter = async () => {
      if (entered) return;
      entered = true;
      if (!share || !canShare()) return carries.ride(null);
      const subject = await token.subject().catch(Math.random);
      shared ??= tabs(`${memory} ${subject}`, {
        ...carries,
        serve: add,
        release,
      });
      if (entered) shared.enter();
    };

    this.#read = (channel, since, give) => {
      let settle: Reading["settle"];
      const ready = new Promise<Cursor>((resolve, reject) => {
        settle = (error, place) => (error ? reject(error) : resolve(place!));
      });
      // Who does not look at it hears of it as an error.
      ready.catch(() => {});
      const one = add([channel], since, {
        settle: settle!,
        give(item) {
          if (item.type !== "unsubscribed") return give(item as Item);
          release(one);
          failed(new EnckeError({ remedy: "give-up", detail: `${item.type} ${channel}` }));
        },
      });
      return {
        channel,
        ready,
        get cursor() {
          return one.seen();
        },
        unsubscribe: () => release(one),
      };
    };

    // Lives with the page: lets go when it is put away, and comes back with it.
    const sleep = () => {
      entered = false;
      // While it can still say good-bye to the tab that leads.
      carries.pause("waiting");
      shared?.leave();
    };
    const wake = () => {
      if (readers.size) enter();
      carries.nudge();
      catching.nudge();
      this.#outbox.flush();
    };
    const on = (types: string, call: () => void) => {
      for (const type of types.split(" ")) globalThis.addEventListener?.(type, call, { signal: this.#away.signal, capture: true });
    };
    on("freeze pagehide", sleep);
    on("resume pageshow online", wake);
    on("visibilitychange", () => document.hidden || wake());
    this.#away.signal.onabort = () => {
      readers.clear();
      sleep();
      carries.pause("closed");
      this.#outbox.close();
    };
  }

  get state(): State {
    return this.#carrier.status().state;
  }

  /** What carries the messages now. */
  get transport(): TransportName | null {
    return this.#carrier.status().transport;
  }

  /** Follows a channel or a pattern. Messages come to `handler` in their order, each once. */
  subscribe<T = any>(channel: string, handler: (data: T, message: Message<T>) => void, options: SubscribeOptions = {}): Subscription {
    const give = (item: Item) => {
      if (item.type === "message") return handler(item.data as T, item as Message<T>);
      options.gap?.(item);
      this.#emit("gap", item);
    };
    return this.#read(channel, options.since || "latest", (item) => guard(() => give(item)));
  }

  /** Publishes JSON, or bytes. While there is no connection it waits, bounded; it is stored once, and in the order of the calls. */
  publish(channel: string, data: unknown, options?: PublishOptions): Promise<Receipt> {
    return this.#outbox.publish(channel, data, options);
  }

  /** Listens to changes of the connection, to gaps, or to errors that no promise tells. Returns what ends it. */
  on<Type extends keyof Listeners>(type: Type, listener: Listeners[Type]): () => void {
    this.#listeners[type].add(listener);
    return () => void this.#listeners[type].delete(listener);
  }

  /** Uses these transports from now on, best first; nothing is lost by the change. */
  use(...transports: TransportName[]): void {
    this.#carrier.use(transports, true);
  }

  /** Ends everything; what waits to be published is refused. */
  close(): void {
    this.#away.abort();
  }

  #emit<Type extends keyof Listeners>(type: Type, what: Parameters<Listeners[Type]>[0]): void {
    for (const listener of this.#listeners[type]) guard(() => (listener as (what: unknown) => void)(what));
  }
}
