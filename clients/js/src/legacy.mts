/** Transports for where `fetch` and WebSocket are not let through. Loaded on demand. */
import { HELD, type Ask, type Item, type Transport } from "./transport.js";

let names = 0;

/** Puts a function where a script of the gateway finds it; what comes back takes it away. */
const named = (call: (value: never) => void): { name: string; forget(): void } => {
  const name = `encke_${names++}`;
  const place = globalThis as Record<string, unknown>;
  place[name] = call;
  // What is under way still calls it.
  return { name, forget: () => void (place[name] = () => {}) };
};

/** Neither frames nor scripts send headers. */
const token = ({ token }: Ask): Record<string, string> => (token ? { token } : {});

/** The forever-iframe. It comes back by itself where its document ends. */
export const iframe: Transport = (ask, tell) => {
  const read = (item: Item | { type: "checkpoint"; cursor: string }) =>
    item.type === "checkpoint" ? tell.alive(item.cursor) : tell.take([item]);
  const { name, forget } = named(read);
  const frame = document.createElement("iframe");
  const url = new URL(ask.url("iframe", { since: ask.since, checkpoints: "1", ...token(ask) }));
  const far = url.origin !== location.origin;
  url.searchParams.set(far ? "origin" : "callback", far ? location.origin : name);
  const hear = ({ source, origin, data }: MessageEvent) => {
    if (source === frame.contentWindow && origin === url.origin) read(data);
  };
  if (far) addEventListener("message", hear);
  frame.hidden = true;
  frame.title = "encke";
  frame.src = url.href;
  document.body.append(frame);
  return {
    close() {
      removeEventListener("message", hear);
      frame.remove();
      forget();
    },
  };
};

/** Polls by script elements, which no origin rule stops; the route of polls has to allow it. */
export const jsonp: Transport = (ask, tell) => {
  let script: HTMLScriptElement;
  let next: ReturnType<typeof setTimeout>;
  let since = ask.since;
  const poll = () => {
    script = document.createElement("script");
    script.src = ask.url("poll", { since, callback: name, ...token(ask) });
    script.onerror = () => tell.end({ failed: true });
    script.onload = () => script.remove();
    document.head.append(script);
  };
  const { name, forget } = named(({ messages, cursor }: { messages: Item[]; cursor: string }) => {
    tell.take(messages, messages.length > 15);
    tell.alive((since = cursor));
    next = setTimeout(poll, ask.pollInterval * (0.8 + 0.4 * Math.random()));
  });
  poll();
  return {
    quiet: HELD + ask.pollInterval,
    close() {
      clearTimeout(next);
      script.onerror = null;
      script.remove();
      forget();
    },
  };
};
