import type { Transport } from "../transport.js";

/** After how many milliseconds of silence the last link was cut; and after how many something on the way cuts, if it does. */
let last = 0;
let idle = 0;

/**
 * WebSocket. The token goes as a subprotocol, because a page can send no header with it, and addresses are logged.
 *
 * A proxy that cuts what is idle shows by two cuts how long it waits; from then on a link speaks before that.
 */
export const ws: Transport = (ask, tell) => {
  const protocols = ["encke.v1"];
  if (ask.token) protocols.push(`encke.token.${ask.token}`);
  const socket = new WebSocket(ask.url("ws").replace(/^http/, "ws"), protocols);
  const send = (command: object) => socket.send(JSON.stringify(command));
  let heard = Infinity;
  let beat: ReturnType<typeof setInterval> | undefined;
  const ping = () => send({ type: "ping" });

  socket.onopen = () => {
    heard = Date.now();
    if (idle) beat = setInterval(ping, idle / 3);
  };
  socket.onmessage = ({ data }) => {
    heard = Date.now();
    const item = JSON.parse(data);
    if (item.channel) return tell.take([item]);
    // It is about to close and says when to come again, or does not do what was asked.
    if (item.type === "error") return tell.end({ failed: true, problem: item.problem, after: 1000 * item.problem.retry_after });
    tell.alive(item.cursor);
  };
  socket.onclose = ({ code }) => {
    clearInterval(beat);
    const quiet = Date.now() - heard;
    // One abnormal end may be anything; two after the same silence are of a proxy that is tired of waiting.
    const learns = code === 1006 && quiet > 1000 && !idle && Math.abs(quiet - last) < 500;
    if (learns) idle = quiet;
    last = quiet;
    tell.end({ failed: code !== 1012 && !learns });
  };
  return {
    close() {
      clearInterval(beat);
      socket.onmessage = socket.onclose = null;
      socket.close();
    },
    ping,
    renew: (token) => send({ type: "authenticate", token }),
    drop: (channels) => send({ type: "unsubscribe", channels }),
  };
};
