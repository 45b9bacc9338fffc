/** The interface of EventTube, for its pages. Loaded by the first one that is made. */
import type { Encke } from "./encke.js";
import type { Message, Options, Subscription } from "./types.js";

/** The channel of what goes to everybody; an EventTube route of the gateway has the same. */
const BROADCAST = "broadcast";

type Handler = (message: { event: string; data: unknown; type?: "broadcast" }) => void;

export interface TubeOptions extends Options {
  connection: { host: string; port?: string | number };
  /** How many handlers there may be; 0, the default: any number. */
  subLimit?: number;
}

/** EventTube over an encke gateway: its pages move by the name of the host. */
export class EventTube {
  #encke: Encke | undefined;
  #handlers = new Map<string, Map<number, Handler>>();
  #followed = new Map<string, Subscription>();
  #ids = 0;

  constructor(
    readonly options: TubeOptions,
    readonly Client: typeof Encke,
  ) {}

  /** Connects; `sub` and `pub` do it too. */
  connect(): boolean {
    if (this.#encke) return false;
    const { host, port } = this.options.connection;
    const secure = typeof location === "object" && location.protocol === "https:";
    this.#encke = new this.Client(`http${secure ? "s" : ""}://${host}${port ? `:${port}` : ""}`, this.options);
    this.#follow(BROADCAST);
    return true;
  }

  /** Hears an event; the promise is of an id, for `unsub`. */
  async sub(event: string, handler: Handler): Promise<number> {
    this.connect();
    const handlers = this.#handlers.get(event) ?? new Map();
    const limit = this.options.subLimit;
    if (limit && [...this.#handlers.values()].reduce((sum, { size }) => sum + size, 0) >= limit)
      throw new Error(`there are ${limit} subscriptions already`);
    const id = ++this.#ids;
    this.#handlers.set(event, handlers.set(id, handler));
    // What was refused is not followed.
    await this.#follow(event).ready.catch((error) => this.unsub(event, id).then(() => Promise.reject(error)));
    return id;
  }

  /** Publishes to all who hear the event. */
  async pub(event: string, data: unknown): Promise<void> {
    this.connect();
    await this.#encke!.publish(event, data);
  }

  /** Publishes to all who are connected; handlers of `event` are called. */
  async broadcast(data: unknown, event?: string): Promise<void> {
    this.connect();
    await this.#encke!.publish(BROADCAST, data, event ? { name: event } : {});
  }

  /** Takes a handler away, or all of an event. */
  async unsub(event: string, id?: number): Promise<void> {
    const handlers = this.#handlers.get(event);
    if (!handlers || (id && !handlers.delete(id))) throw new Error(`nothing hears ${event}${id ? ` as ${id}` : ""}`);
    if (!id) handlers.clear();
    if (handlers.size || event === BROADCAST) return;
    this.#handlers.delete(event);
    this.#followed.get(event)?.unsubscribe();
    this.#followed.delete(event);
  }

  /** The name that its own SDK has. */
  unSub(event: string, id?: number): Promise<void> {
    return this.unsub(event, id);
  }

  #follow(channel: string): Subscription {
    let followed = this.#followed.get(channel);
    if (!followed) {
      followed = this.#encke!.subscribe(channel, (data, message) => this.#tell(channel, data, message));
      this.#followed.set(channel, followed);
    }
    return followed;
  }

  #tell(channel: string, data: unknown, { name = "" }: Message): void {
    const broadcast = channel === BROADCAST;
    const event = broadcast ? name : channel;
    const message = broadcast ? { type: "broadcast" as const, event, data } : { event, data };
    const heard = [...(this.#handlers.get(channel)?.values() ?? []), ...(broadcast && name ? (this.#handlers.get(name)?.values() ?? []) : [])];
    for (const handler of heard) handler(message);
  }
}
