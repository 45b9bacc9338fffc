import type { Transport } from "../transport.js";
import type { Problem } from "../types.js";

/** After how many milliseconds of silence something on the way cut a link, if it ever did. */
let idle = 0;

/**
 * WebSocket. The token goes as a subprotocol, because a page can send no header with it, and addresses are logged.
 *
 * A proxy that cuts what is idle shows how long it waits; from then on a link speaks before that.
 */
export const ws: Transport = (ask, tell) => {
  const protocols = ["encke.v1", ...(ask.token ? [`encke.token.${ask.token}`] : [])];
  const socket = new WebSocket(ask.url("ws", { since: ask.since }).replace(/^http/, "ws"), protocols);
  const send = (command: object) => socket.readyState === 1 && socket.send(JSON.stringify(command));
  let heard = Date.now();
  let problem: Problem | undefined;
  let beat: ReturnType<typeof setInterval> | undefined;
  const ping = () => send({ type: "ping" });

  socket.onopen = () => {
    if (idle) beat = setInterval(ping, idle / 2);
  };
  socket.onmessage = ({ data }) => {
    heard = Date.now();
    const item = JSON.parse(data);
    if (item.type === "message" || item.type === "gap") return tell.take([item]);
    if (item.type === "error") problem = item.problem;
    // What is followed later may begin before the place of the link, never ahead of it.
    tell.alive(item.cursor, item.type === "subscribed");
  };
  socket.onclose = ({ code }) => {
    clearInterval(beat);
    const quiet = Date.now() - heard;
    // An abnormal end after silence is a proxy that was tired of waiting.
    if (code === 1006 && quiet > 1000 && quiet < 60_000) idle = quiet;
    tell.end({ failed: code !== 1012, problem, after: 1000 * (problem?.retry_after ?? 0) });
  };
  return {
    close() {
      clearInterval(beat);
      socket.onmessage = socket.onclose = null;
      socket.close();
    },
    ping,
    change(add, drop, since) {
      if (add.length) send({ type: "subscribe", channels: add, since });
      if (drop.length) send({ type: "unsubscribe", channels: drop });
    },
  };
};
