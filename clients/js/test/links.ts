import type { Item } from "../src/transport.js";
import type { Asked, World } from "./world.js";

/** What stands between a client and the gateway, for a test to break. */
export interface Link {
  asked: Asked;
  /** It breaks without a word. */
  cut(): void;
  /** It ends as the gateway ends it. */
  end?(): void;
  /** The gateway sends something. */
  say?(text: string): void;
  /** Nothing comes through any more; the client is not told. */
  mute?(): void;
}

/** A stream of server-sent events over the log. */
export const stream = (world: World, asked: Asked): Response => {
  const { page, channels } = asked;
  const bytes = new TextEncoder();
  let place = world.log.place(asked.since);
  let muted = false;
  let out: ReadableStreamDefaultController<Uint8Array>;

  const say = (text: string) => void (!muted && world.links.has(link) && page.do(() => out.enqueue(bytes.encode(text))));
  const line = (item: Item) => `${item.type === "gap" ? "event: gap" : `id: ${item.cursor}`}\ndata: ${JSON.stringify(item)}\n\n`;
  const flow = () => {
    const { messages, cursor } = world.log.read(channels, place);
    place = cursor;
    return messages.map(line).join("");
  };
  const over = (end: () => void) => {
    if (!world.links.delete(link)) return;
    stop();
    clearInterval(beat);
    page.do(end);
  };
  const link: Link = {
    asked,
    say,
    cut: () => over(() => out.error(new TypeError("cut"))),
    end: () => over(() => out.close()),
    mute: () => void (muted = true),
  };
  const stop = world.log.watch(() => world.later(page, () => say(flow())));
  const beat = setInterval(() => say(`:\nid: ${place}\n\n`), world.heartbeat);
  world.links.add(link);
  asked.signal?.addEventListener("abort", () => over(() => out.error(new DOMException("aborted", "AbortError"))));
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      out = controller;
      const gaps = world.log.read(channels, asked.since || "latest").messages.filter(({ type }) => type === "gap");
      say(`retry: 2000\n${gaps.map(line).join("")}id: ${place}\n\n`);
      say(world.log.read(channels, place).messages.filter(({ type }) => type === "message").map(line).join(""));
      place = world.log.cursor();
    },
  });
  return new Response(body, { headers: { "content-type": "text/event-stream" } });
};
