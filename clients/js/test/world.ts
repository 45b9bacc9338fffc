import { setMaxListeners } from "node:events";
import { mock, test } from "node:test";
import { Encke } from "../src/encke.js";
import type { Item } from "../src/transport.js";
import type { Options, TransportName } from "../src/types.js";
import { Log } from "./log.js";
import { Page } from "./page.js";
import { channels, locks } from "./share.js";
import { stream, type Link } from "./links.js";
import { socketOf } from "./socket.js";

/** What a client asked of the network. */
export interface Asked {
  route: string;
  url: URL;
  channels: string[];
  since: string;
  token: string | null;
  body: string;
  at: number;
  page: Page;
  signal?: AbortSignal;
}

/** What becomes of a request: it works, is refused at once, or gets no word; or what the test answers (nothing: it works). */
export type Way = "live" | "refuse" | "mute" | ((asked: Asked) => Answer | Promise<Answer>);
type Answer = Response | "live" | "refuse" | "mute" | void;

export const json = (value: unknown, status = 200, headers: Record<string, string> = {}): Response => new Response(JSON.stringify(value), { status, headers });

/** A refusal as the gateway words it. */
export const refuse = (status: number, remedy: string, retry_after?: number): Response => json({ status, detail: `refused with ${status}`, remedy, retry_after }, status);

const real = { random: Math.random, timeout: AbortSignal.timeout };

/** A gateway with the model's log, and the browser around a client. Time passes when the test says so. */
export class World {
  readonly log = new Log();
  readonly ways: Partial<Record<TransportName | "publish" | "command", Way>> = {};
  readonly asked: Asked[] = [];
  readonly links = new Set<Link>();
  readonly storage = new Map<string, string>();
  /** What applications threw. */
  readonly thrown: unknown[] = [];
  /** How long an answer takes, in milliseconds. */
  latency = 10;
  /** How long the gateway's streams say nothing at most. */
  heartbeat = 15_000;
  /** The keys that were stored, with their places. */
  readonly keys = new Map<string, { cursor: string; seq: number }>();
  locks = locks((page, call) => this.later(page, call, 1));
  #clients: Encke[] = [];
  #seed: number;
  #timeout: typeof setTimeout;

  constructor(seed = 1) {
    this.#seed = seed;
    mock.timers.enable({ apis: ["setTimeout", "setInterval", "Date"], now: 1_000_000_000_000 });
    const { setTimeout: timeout, setInterval: interval } = globalThis;
    this.#timeout = timeout;
    // What a page has started stops with it.
    const bound = (call: (...values: unknown[]) => void, values: unknown[], page = Page.now()) => () => page.do(() => this.#guard(() => call(...values)));
    const world: Record<string, unknown> = {
      setTimeout: (call: () => void, ms = 0, ...values: unknown[]) => timeout(bound(call, values), ms),
      setInterval: (call: () => void, ms = 0, ...values: unknown[]) => interval(bound(call, values), ms),
      addEventListener: (...values: Parameters<EventTarget["addEventListener"]>) => Page.now().addEventListener(...values),
      document: { get hidden() { return Page.now().hidden; } },
      navigator: { locks: this.locks },
      BroadcastChannel: channels((page, call) => this.later(page, call, 1)),
      WebSocket: socketOf(this),
      fetch: (url: string, init: RequestInit = {}) => this.#fetch(url, init),
      localStorage: {
        getItem: (name: string) => this.storage.get(name) ?? null,
        setItem: (name: string, value: string) => void this.storage.set(name, value),
      },
    };
    for (const name in world) Object.defineProperty(globalThis, name, { value: world[name], configurable: true, writable: true });
    Math.random = () => this.random();
    AbortSignal.timeout = (ms) => {
      const stop = new AbortController();
      this.later(Page.now(), () => stop.abort(new DOMException("timed out", "TimeoutError")), ms);
      return stop.signal;
    };
  }

  /** From 0 to 1; the same in each run. */
  random(): number {
    this.#seed = (this.#seed + 0x6d2b79f5) | 0;
    let t = Math.imul(this.#seed ^ (this.#seed >>> 15), 1 | this.#seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  }

  /** A client on a page; alone, unless it says otherwise. */
  client(options: Options = {}, page = Page.now()): Encke {
    const client = page.open(() => new Encke("http://gateway/", { share: false, ...options }));
    this.#clients.push(client);
    return client;
  }

  /** Lets time pass, with all that happens in it. */
  async pass(ms: number, step = ms > 20_000 ? 100 : 10): Promise<void> {
    for (let left = ms; left > 0; left -= step) {
      mock.timers.tick(Math.min(step, left));
      await this.settle();
    }
    await this.settle();
  }

  /** What can happen without time has happened. */
  async settle(): Promise<void> {
    await new Promise((done) => setImmediate(done));
  }

  /** Lets time pass until something holds. */
  async until(holds: () => unknown, limit = 120_000): Promise<void> {
    for (let passed = 0; !holds(); passed += 10) {
      if (passed > limit) throw new Error(`not within ${limit} ms: ${holds}`);
      await this.pass(10);
    }
  }

  /** Lets time pass until a promise is settled; what it came to. */
  async of<T>(promise: Promise<T>): Promise<T> {
    let over = false;
    promise.then(() => (over = true), () => (over = true));
    await this.until(() => over);
    return promise;
  }

  /** Calls code of a page after a while. */
  later(page: Page, call: () => void, ms = this.latency): void {
    this.#timeout.call(globalThis, () => page.do(() => this.#guard(call)), ms);
  }

  /** The links that live, by a route or all. */
  live(route?: string): Link[] {
    return [...this.links].filter((link) => !route || link.asked.route === route);
  }

  /** Cuts all links, or those of a route. */
  cut(route?: string): void {
    for (const link of this.live(route)) link.cut();
  }

  /** The requests of a route. */
  to(route: string): Asked[] {
    return this.asked.filter((asked) => asked.route === route);
  }

  note(url: string | URL, rest: Partial<Asked> = {}): Asked {
    const at = new URL(url);
    const search = at.searchParams;
    const asked = { route: at.pathname.slice(1), url: at, channels: search.getAll("channel"), since: search.get("since") ?? "", token: null, body: "", at: Date.now(), page: Page.now(), ...rest };
    this.asked.push(asked);
    return asked;
  }

  async way(asked: Asked): Promise<Answer> {
    const way = this.ways[asked.route as TransportName] ?? "live";
    return (typeof way === "function" ? await way(asked) : way) ?? "live";
  }

  end(): void {
    for (const client of this.#clients) client.close();
    mock.timers.reset();
    Math.random = real.random;
    AbortSignal.timeout = real.timeout;
    Page.forget();
  }

  #guard(call: () => void): void {
    try {
      call();
    } catch (error) {
      this.thrown.push(error);
    }
  }

  #fetch(url: string, { headers, body, signal }: RequestInit): Promise<Response> {
    // Nothing goes out that was given up before.
    if (signal?.aborted) return Promise.reject(signal.reason);
    const token = new Headers(headers).get("authorization")?.replace("Bearer ", "") ?? null;
    const asked = this.note(url, { token, signal: signal ?? undefined });
    return new Promise((resolve, reject) => {
      const abort = () => reject(signal?.reason);
      if (signal) setMaxListeners(0, signal);
      signal?.addEventListener("abort", abort);
      this.later(asked.page, async () => {
        asked.body = body ? await new Response(body).text() : "";
        const way = await this.way(asked);
        if (way instanceof Response) resolve(way);
        else if (way === "refuse") reject(new TypeError("fetch failed"));
        else if (way === "live") this.#answer(asked, resolve, reject);
      });
    });
  }

  #answer(asked: Asked, resolve: (answer: Response) => void, reject: (error: unknown) => void): void {
    const { route, channels, since, url, page } = asked;
    if (route === "publish") return resolve(json({ results: asked.body.split("\n").map((line) => this.store(JSON.parse(line))) }));
    if (route === "sse") return resolve(stream(this, asked));
    const read = () => this.log.read(channels, since || "earliest");
    const wait = 1000 * Number(url.searchParams.get("wait") ?? 0);
    let batch = read();
    if (route === "poll" || !wait || batch.messages.length) return resolve(json(batch));
    const done = (end: () => void) => {
      stop();
      this.links.delete(link);
      end();
    };
    const stop = this.log.watch(() => {
      batch = read();
      if (batch.messages.length) done(() => this.later(page, () => resolve(json(batch))));
    });
    const link: Link = { asked, cut: () => done(() => page.do(() => reject(new TypeError("cut")))) };
    this.links.add(link);
    asked.signal?.addEventListener("abort", () => done(() => {}));
    this.later(page, () => this.links.has(link) && done(() => resolve(json(read()))), wait);
  }

  /** What the gateway does with a line of a batch. */
  store({ channel, data, base64, name, key }: Record<string, string>): object {
    const known = key && this.keys.get(key);
    if (known) return { ...known, subscribers: 0, repeated: true };
    const receipt = { cursor: this.log.append(channel, base64 ? { base64 } : data, name), seq: this.log.head };
    if (key) this.keys.set(key, receipt);
    return { ...receipt, subscribers: 0 };
  }
}

/** A test in a world of its own. */
export const scene = (name: string, play: (world: World) => Promise<void>, seed?: number): void =>
  void test(name, async () => {
    const world = new World(seed);
    try {
      await play(world);
    } finally {
      world.end();
    }
  });

/** What a handler was given, and what was missing. */
export const listen = (client: Encke, channel: string, since?: string) => {
  const data: unknown[] = [];
  const items: Item[] = [];
  const gap = (gap: Item) => void items.push(gap);
  const handle = (value: unknown, message: Item) => void (data.push(value), items.push(message));
  return { data, items, ...{ subscription: client.subscribe(channel, handle, { since, gap }) } };
};
