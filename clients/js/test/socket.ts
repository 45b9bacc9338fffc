import type { Link } from "./links.js";
import { Page } from "./page.js";
import type { World } from "./world.js";

/** What a test sees of a WebSocket. */
export interface Wire extends Link {
  /** The commands that came. */
  commands: Record<string, unknown>[];
  /** The gateway closes it. */
  close(code: number): void;
  /** Tokens are refused. */
  refuses?: boolean;
  /** Commands get no answer any more. */
  deaf?: boolean;
}

/** The stand-in for WebSocket, with the gateway's end of it. */
export const socketOf = (world: World) =>
  class {
    readyState = 0;
    onopen: (() => void) | null = null;
    onmessage: ((frame: { data: string }) => void) | null = null;
    onclose: ((end: { code: number }) => void) | null = null;
    #page = Page.now();
    #channels: string[];
    #place: string;
    #stop = () => {};
    #wire: Wire;

    constructor(url: string, protocols: string[]) {
      const token = protocols.find((name) => name.startsWith("encke.token."))?.slice(12) ?? null;
      const asked = world.note(url.replace(/^ws/, "http"), { token });
      this.#channels = [...asked.channels];
      this.#place = world.log.place(asked.since);
      let muted = false;
      const say = (text: string) => void (this.readyState === 1 && !muted && this.#page.do(() => this.onmessage?.({ data: text })));
      const over = (code: number) => {
        if (this.readyState > 1) return;
        this.readyState = 3;
        this.#stop();
        world.links.delete(this.#wire);
        this.#page.do(() => this.onclose?.({ code }));
      };
      this.#wire = { asked, commands: [], say, mute: () => void (muted = true), cut: () => over(1006), end: () => over(1012), close: over };
      world.later(this.#page, async () => {
        const way = await world.way(asked);
        if (this.readyState) return;
        if (way !== "live") return void (way !== "mute" && over(1006));
        this.readyState = 1;
        world.links.add(this.#wire);
        this.onopen?.();
        for (const item of world.log.read(this.#channels, asked.since || "latest").messages) if (item.type === "gap") this.#say(item);
        this.#say({ type: "subscribed", cursor: this.#place });
        this.#flow();
        this.#stop = world.log.watch(() => world.later(this.#page, () => this.#flow()));
      });
    }

    send(text: string): void {
      const command = JSON.parse(text);
      this.#wire.commands.push(command);
      world.later(this.#page, () => !this.#wire.deaf && this.#obey(command));
    }

    close(): void {
      this.readyState = 3;
      this.#stop();
      world.links.delete(this.#wire);
    }

    #say(frame: unknown): void {
      this.#wire.say!(JSON.stringify(frame));
    }

    #obey({ type, channels }: { type: string; channels?: string[] }): void {
      if (type === "ping") this.#say({ type: "pong", cursor: this.#place });
      if (type === "authenticate") this.#say(this.#wire.refuses ? { type: "error", problem: { remedy: "reauthenticate" } } : { type: "authenticated" });
      if (type === "unsubscribe") this.#channels = this.#channels.filter((channel) => !channels!.includes(channel));
    }

    #flow(): void {
      if (this.readyState !== 1) return;
      const { messages, cursor } = world.log.read(this.#channels, this.#place);
      this.#place = cursor;
      for (const item of messages) this.#say(item);
    }
  } as unknown as typeof WebSocket;
