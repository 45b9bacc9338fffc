"use strict";
const HOLD = 25, FRAME_RETURNS = 30000, BLOCK = 4096, FRAME_MARKUP = 250;
const bytesOf = text => new TextEncoder().encode(text).length;
const pause = (ms, signal) => new Promise(done => {
  const over = () => { clearTimeout(timer); signal.removeEventListener("abort", over); done(); };
  const timer = setTimeout(over, ms);
  signal.addEventListener("abort", over);
});
const quoted = text => `'${text.replaceAll("'", "'\\''")}'`;

let channel = "", pollEvery = 2;
const url = (path, more = {}) => {
  const at = new URL(path, location.origin + location.pathname);
  at.search = new URLSearchParams({ channel, ...more });
  return at.href;
};

/* What a proxy does that buffers answers: it passes on whole blocks, and the rest when the answer ends. A piece is read when its
   last byte is here, so it is enough to know where in the answer each ends. */
class Middleman {
  on = false;
  arrived = 0;
  held = [];

  pass(bytes, give) {
    if (!this.on) return give();
    this.held.push({ end: this.arrived += bytes, give });
    this.release(this.arrived - this.arrived % BLOCK);
  }

  release(upTo) { while (this.held[0]?.end <= upTo) this.held.shift().give(); }
  end() { this.release(this.arrived); this.drop(); }
  drop() { this.arrived = 0; this.held = []; }
  turn(on) { this.on = on; this.end(); }
  get waiting() { return this.arrived % BLOCK; }
}

/* The transports. Each is an object {start(cursor), stop()} and tells its card: asked() before a request, live() when it is
   answered, pass(bytes, give) for what comes and ended() when the answer ends, take(item) for a message or gap, moved(cursor),
   lost(why, ms) when it cannot go on by itself. */

async function problem(answer) {
  const told = await answer.json().catch(() => ({}));
  const error = new Error([answer.status, told.detail ?? told.title].filter(Boolean).join(": "));
  error.ms = 1000 * answer.headers.get("retry-after");
  return error;
}

/* Runs read(cursor, signal) until it is stopped or fails. */
const fetching = (card, read) => {
  let stopped;
  return {
    start(cursor) {
      const { signal } = stopped = new AbortController();
      read(cursor, signal).catch(error => {
        if (signal.aborted) return;
        if (error.ms !== undefined) return card.lost(error.message, error.ms);
        card.lost(card.state === "live" ? "the connection broke" : "no answer");
        cards.forEach(other => other.transport.doubt?.());
      });
    },
    stop() { stopped?.abort(); },
  };
};

/* Poll and long-poll are one loop: with a pause between two requests, or with a request that is held. A held request says nothing
   until there is something, so the first of a long-poll is not held. A node that is being drained holds none: pause then, too. */
const asking = (path, hold) => card => fetching(card, async (since, signal) => {
  for (let wait = 0; !signal.aborted; wait = hold) {
    card.asked();
    const at = performance.now();
    const answer = await fetch(url(path, hold ? { since, wait } : { since }), { signal });
    if (!answer.ok) throw await problem(answer);
    const text = await answer.text();
    if (signal.aborted) return;
    const batch = JSON.parse(text);
    card.live();
    card.pass(bytesOf(text), () => {
      batch.messages.forEach(item => card.take(item));
      card.moved(since = batch.cursor);
    });
    card.ended();
    const refused = wait && !batch.messages.length && performance.now() - at < 1000;
    if (!hold || refused) await pause(hold ? 1000 : 1000 * pollEvery, signal);
  }
});

/* By fetch and not by EventSource, which shows a page no bytes, and no messages of a name that it does not listen to. */
const sse = card => fetching(card, async (since, signal) => {
  card.asked();
  const answer = await fetch(url("sse", { since }), { signal, headers: { accept: "text/event-stream" } });
  if (!answer.ok) throw await problem(answer);
  card.live();
  let rest = "", retry = 0;
  const read = block => {
    const fields = Object.fromEntries(block.split("\n").map(line => line.split(/: ?(.*)/s, 2)));
    if (fields.retry) retry = Number(fields.retry);
    if (fields.data) card.take(JSON.parse(fields.data));
    if (fields.id) card.moved(fields.id);
  };
  const reader = answer.body.getReader(), decoder = new TextDecoder();
  for (let part; !(part = await reader.read()).done;) {
    const blocks = (rest + decoder.decode(part.value, { stream: true })).split("\n\n");
    rest = blocks.pop();
    for (const block of blocks) card.pass(bytesOf(block) + 2, () => read(block));
  }
  if (signal.aborted) return;
  card.ended();
  card.lost("the stream ended", retry);
});

/* The frame loads itself again when its stream ends. It tells nothing but messages, so its document is looked at. A browser tells
   neither frame nor page that the connection broke: silence does after two heartbeats, or sooner the failure of another request. */
const iframe = card => {
  let frame, look, opened, ended, late;
  const streaming = () => frame.contentDocument && frame.contentDocument !== ended && frame.contentWindow.m;
  function open() {
    const here = frame.contentDocument;
    if (here === opened || !streaming()) return;
    opened = here;
    clearTimeout(late);
    card.live();
    const beginning = [...here.body.childNodes].slice(0, 3).map(node => node.textContent).join("");
    card.pass(bytesOf(beginning) + FRAME_MARKUP, () => {});
  }
  function over() {
    if (!streaming()) return card.lost("the frame got no stream");
    ended = frame.contentDocument;
    card.ended();
    card.asked();
    card.waiting("the frame loads itself again");
    late = setTimeout(() => card.lost("the frame did not come back"), FRAME_RETURNS);
  }
  return {
    start(since) {
      card.asked();
      frame = document.createElement("iframe");
      frame.hidden = true;
      frame.title = "the stream of the iframe transport";
      frame.src = url("iframe", { since, callback: "handle" });
      frame.onload = over;
      window.handle = item => {
        open();
        const pushed = [...frame.contentDocument.scripts].at(-1);
        const bytes = bytesOf(pushed.text) + `<script nonce="${pushed.nonce}"><\/script>\n`.length;
        card.pass(bytes, () => card.take(item));
      };
      document.body.append(frame);
      look = setInterval(open, 100);
    },
    stop() {
      clearInterval(look);
      clearTimeout(late);
      frame?.remove();
      window.handle = () => {};
    },
    doubt() { if (card.state === "live") card.lost("the gateway is away"); },
  };
};

const ws = card => {
  let socket, ms;
  return {
    start(since) {
      card.asked();
      ms = 0;
      socket = new WebSocket(url("ws", { since }).replace(/^http/, "ws"));
      socket.onmessage = ({ data }) => {
        const item = JSON.parse(data), bytes = bytesOf(data);
        card.pass(bytes + (bytes < 126 ? 2 : bytes < 65536 ? 4 : 10), () => {
          if (item.type === "message" || item.type === "gap") return card.take(item);
          if (item.type === "subscribed") card.live();
          if (item.cursor) card.moved(item.cursor);
          if (item.type === "error") ms = 1000 * (item.problem.retry_after ?? 0);
        });
      };
      socket.onclose = ({ code, reason }) => card.lost(reason || `closed with ${code}`, ms);
    },
    stop() {
      if (!socket) return;
      socket.onmessage = socket.onclose = null;
      socket.close();
    },
  };
};

/* What the bad proxy does to each is the difference between an answer that ends and one that does not. */
const ENDS = "Its answers end, so a proxy that buffers passes each on: no difference.";
const NEVER_ENDS = "The answer never ends, so a proxy that buffers holds it until 4 KiB are there.";
const TRANSPORTS = [
  { name: "Poll", make: asking("poll", 0), behind: ENDS, command: () => `curl ${quoted(url("poll"))}`,
    about: () => `Asks, is answered at once, pauses. 10,000 readers: ${(10000 / pollEvery).toLocaleString("en")} requests/s, mean delay ${pollEvery / 2} s.` },
  { name: "Long-poll", make: asking("longpoll", HOLD), behind: ENDS, command: () => `curl ${quoted(url("longpoll"))}`,
    about: () => "Asks, and is answered when there is something: a request for each answer." },
  { name: "SSE", make: sse, behind: NEVER_ENDS, command: () => `curl -N ${quoted(url("sse"))}`,
    about: () => "One answer that never ends, read as it comes." },
  { name: "Iframe", make: iframe, behind: NEVER_ENDS, command: () => `curl -N ${quoted(url("iframe", { callback: "handle" }))}`,
    about: () => "A document that never ends: each message is a script." },
  { name: "WebSocket", make: ws, behind: "A proxy that lets the upgrade pass forwards each frame: it has no answer to buffer.", upgrades: true,
    command: () => `encke subscribe ${quoted(channel)} --transport ws --url ${quoted(new URL(".", location).href.replace(/\/$/, ""))}`,
    about: () => "One connection, both ways." },
];
