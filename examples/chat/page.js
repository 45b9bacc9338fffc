// A chat over encke. A room is the channel `chat.ROOM`; who is in it is told in `chat.ROOM.here`, by heartbeats with a lease.
import { Encke } from "./sdk/encke.mjs";

const ROWS = 200, HISTORY = "-50", ARRIVED = 1000;
const BEAT = 10_000, LEASE = 30_000, TYPING = 4_000, TOGETHER = 300_000;
const UNPLUGGED = 20;
const WAYS = { ws: "WebSocket", sse: "server-sent events", longpoll: "long polling", poll: "polling" };
const WHY = { trimmed: "the server keeps the newest only", epoch: "the server began a new log", future: "the server began a new log",
  slow: "this page was too slow", lost: "something on the way swallowed them" };
const START = ["lobby", "garden", "observatory"];

const $ = id => document.getElementById(id);
const random = () => Array.from(crypto.getRandomValues(new Uint32Array(3)), part => part.toString(36)).join("");
const pick = words => words[Math.floor(Math.random() * words.length)];
const clock = (time, second) => new Date(time).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", second, hourCycle: "h23" });
const put = (parent, tag, text, className = "") => {
  const node = document.createElement(tag);
  node.textContent = text;
  node.className = className;
  parent.append(node);
  return node;
};

/* Who I am: for as long as the tab lives. A guest is called after a colour and what moves in the sky. */
const kept = (key, make) => sessionStorage.getItem(key) ?? (sessionStorage.setItem(key, make()), sessionStorage.getItem(key));
const me = kept("me", random);
const nameField = $("name");
nameField.value = kept("name", () => `${pick(["Amber", "Azure", "Coral", "Ivory", "Olive", "Violet"])} ${pick(["Comet", "Meteor", "Moon", "Nova", "Planet", "Star"])}`);
const myName = () => nameField.value.trim() || "Somebody";

/* The line of this page, by which the server knows what to cut. Each tab has a connection of its own here, or the plug of one would be
   the plug of all. */
const line = random();
const path = route => `${route}?line=${line}`;
const routes = ["ws", "sse", "longpoll", "poll", "publish"];
const encke = new Encke("/", { share: false, paths: Object.fromEntries(routes.map(route => [route, path(route)])) });

/* Messages. `waiting` has mine that have not arrived, in all rooms; a row moves from the list of those to the log, and so is there once. */
const waiting = new Map();
const mine = new Set();
let channel = "", subscription, arrived = new Set(), last = {};
const log = $("log"), messages = $("messages");
const atEnd = () => messages.scrollHeight - messages.scrollTop - messages.clientHeight < 60;
const toEnd = () => { messages.scrollTop = messages.scrollHeight; $("newest").hidden = true; };
const counts = { written: 0, stored: 0, arrived: 0, repeated: 0, twice: 0, gaps: 0 };
const count = (what, n = 1) => {
  counts[what] += n;
  const shown = document.querySelector(`[data-count=${what}]`);
  shown.textContent = counts[what];
  shown.classList.toggle("bad", (what === "twice" || what === "gaps") && counts[what] > 0);
};
const hueOf = id => [...id].reduce((sum, c) => (sum * 31 + c.charCodeAt(0)) >>> 0, 7) % 6;

function row({ from, name, text }, time) {
  const li = $("message").content.firstElementChild.cloneNode(true);
  li.classList.toggle("mine", from === me);
  li.dataset.hue = hueOf(from);
  li.querySelector("b").textContent = from === me ? "You" : name;
  li.querySelector("time").dateTime = time;
  li.querySelector("time").textContent = clock(time);
  li.querySelector(".text").textContent = text;
  return li;
}

/* The DOM has a bound, whatever is said. */
function append(li) {
  const stay = atEnd();
  log.append(li);
  while (log.childElementCount > ROWS) log.firstElementChild.remove();
  if (stay) toEnd();
  else $("newest").hidden = false;
}

function received(data, message) {
  const { id, from, name, text } = data ?? {};
  if (![id, from, name, text].every(part => typeof part === "string")) return;
  if (arrived.has(id)) return count("twice");
  arrived.add(id);
  if (arrived.size > ARRIVED) arrived.delete(arrived.values().next().value);
  if (mine.delete(id)) count("arrived");
  waiting.get(id)?.li.remove();
  waiting.delete(id);
  const li = row(data, message.time);
  li.dataset.id = id;
  li.dataset.seq = message.seq;
  li.dataset.state = "stored";
  if (from === me) li.querySelector(".mark").textContent = `✓ no. ${message.seq}`;
  const at = Date.parse(message.time);
  li.classList.toggle("more", last.from === from && at - last.at < TOGETHER);
  last = { from, at };
  typing.delete(from);
  append(li);
}

function missing(gap) {
  count("gaps");
  last = {};
  const li = put(log, "li", `Messages are missing here: ${WHY[gap.reason] ?? gap.reason}.`, "gap");
  li.dataset.gap = gap.reason;
  append(li);
}

function say(text) {
  const id = random(), to = channel;
  const data = { id, from: me, name: myName(), text };
  const li = row(data, new Date().toISOString());
  li.dataset.id = id;
  waiting.set(id, { li, to });
  mine.add(id);
  count("written");
  $("pending").append(li);
  send(li, to, data, $("lose").ariaPressed === "true");
  $("lose").ariaPressed = false;
  toEnd();
}

async function send(li, to, data, lose) {
  const mark = li.querySelector(".mark");
  li.dataset.state = "pending";
  mark.textContent = encke.state === "open" ? "on its way" : "waits for the line";
  if (lose) await order("lose=1");
  encke.publish(to, data).then(({ seq, repeated }) => {
    count("stored");
    if (repeated) count("repeated");
    li.dataset.state = "stored";
    mark.textContent = `✓ stored as no. ${seq}, on its way back`;
    if (to !== channel) waiting.delete(data.id);
  }, error => {
    li.dataset.state = "refused";
    mark.textContent = `not stored: ${error.message}`;
    const again = put(mark, "button", "Try again");
    again.onclick = () => send(li, to, data);
  });
}

/* Rooms: those that everybody knows, and each of which something is heard. */
const known = new Map(START.map(name => [name, { unread: 0 }]));
const nameOf = channel => channel.split(".")[1];
const clean = text => text.toLowerCase().replace(/[^\p{L}\p{N}]+/gu, "-").replace(/^-|-$/g, "").slice(0, 24);
const hear = name => known.get(name) ?? (known.set(name, { unread: 0 }), known.get(name));

function enter() {
  let name = START[0];
  try {
    const asked = decodeURIComponent(location.hash.slice(1));
    // One that something is heard of may be called as no page would call it.
    name = (known.has(asked) ? asked : clean(asked)) || name;
  } catch { /* no name: the first */ }
  if (channel === `chat.${name}`) return;
  if (channel) beat({ gone: true });
  subscription?.unsubscribe();
  channel = `chat.${name}`;
  arrived = new Set();
  last = {};
  hear(name).unread = 0;
  log.ariaLive = "off";
  log.replaceChildren();
  // What was stored meanwhile is in the history.
  for (const [id, { li, to }] of waiting) if (to === channel && li.dataset.state === "stored") waiting.delete(id);
  $("pending").replaceChildren(...[...waiting.values()].filter(({ to }) => to === channel).map(({ li }) => li));
  $("title").textContent = name;
  document.title = `${name} · chat over encke`;
  const opened = (subscription = encke.subscribe(channel, received, { since: HISTORY, gap: missing }));
  // The past is not read out, what is said from now on is.
  opened.ready.then(() => opened === subscription && (log.ariaLive = "polite", toEnd()), () => {});
  beat();
  showChannels();
}

function showChannels() {
  const names = [...START, ...[...known.keys()].filter(name => !START.includes(name)).sort()];
  const list = $("channels");
  for (const [i, name] of names.entries()) {
    const li = list.children[i] ?? put(list, "li", "");
    const a = li.firstElementChild ?? put(li, "a", "");
    if (!a.firstChild) for (const part of ["called", "here", "unread"]) put(a, "span", "", part);
    const [called, here, unread] = a.children;
    a.href = `#${encodeURIComponent(name)}`;
    if (channel === `chat.${name}`) a.ariaCurrent = "page";
    else a.removeAttribute("aria-current");
    const people = peopleIn(name).length;
    called.textContent = name;
    here.textContent = people ? `${people} here` : "";
    unread.textContent = known.get(name).unread ? `${known.get(name).unread} new` : "";
  }
}

/* Who is here. A heartbeat is worth `LEASE` from the time at which the log has it; the newest such time is what we know of the log's clock. */
const here = new Map(), typing = new Map();
let newest = 0, heardAt = 0, typedAt = 0;
const logTime = () => newest + performance.now() - heardAt;
const peopleIn = name => [...(here.get(name)?.entries() ?? [])].filter(([, { until }]) => until > logTime());

function heartbeat(data, message) {
  const { from, name, gone, types } = data ?? {};
  const at = Date.parse(message.time);
  if (typeof from !== "string" || typeof name !== "string") return;
  if (at >= newest) [newest, heardAt] = [at, performance.now()];
  const where = nameOf(message.channel);
  hear(where);
  const people = here.get(where) ?? here.set(where, new Map()).get(where);
  if (gone) people.delete(from);
  else people.set(from, { name, until: at + LEASE });
  if (message.channel === `${channel}.here`) {
    if (types && from !== me) typing.set(from, { name, until: at + TYPING });
    else typing.delete(from);
  }
  showPeople();
}

/* Only while the line stands: a heartbeat that had to wait would say what is not true any more. */
function beat(more) {
  if (encke.state !== "open") return;
  encke.publish(`${channel}.here`, { from: me, name: myName(), ...more }).catch(() => {});
}

function showPeople() {
  for (const people of [...here.values(), typing]) for (const [id, { until }] of people) if (until <= logTime()) people.delete(id);
  const names = peopleIn(nameOf(channel)).map(([id, { name }]) => id === me ? `${name} (you)` : name).sort();
  $("people").textContent = names.length ? `Here: ${names.join(", ")}` : "";
  const types = [...typing.values()].map(({ name }) => name);
  const said = types.length === 0 ? "" : types.length > 3 ? "Several are typing…" : `${types.join(", ")} ${types.length === 1 ? "is" : "are"} typing…`;
  if ($("typing").textContent !== said) $("typing").textContent = said;
  showChannels();
}

/* The line: what carries, the plug, and the next answer. */
let unplugged, pluggedAt = 0, retryAt = 0;
function showState() {
  const { state, transport } = encke;
  const left = Math.ceil((retryAt - performance.now()) / 1000);
  const text = state === "open" ? `Connected by ${WAYS[transport] ?? transport}`
    : state === "waiting" && left > 0 ? `No line. Next try in ${left} s` : state === "closed" ? "Closed" : "Connecting…";
  if ($("state").textContent !== text) $("state").textContent = $("short").textContent = text;
  $("line").dataset.state = state;
  $("line").dataset.transport = transport ?? "";
  for (const { value, parentElement } of document.getElementsByName("transport")) parentElement.classList.toggle("used", value === transport);
  const away = Math.ceil((pluggedAt - performance.now()) / 1000);
  $("plug").textContent = away > 0 ? `Put it back (${away} s)` : "Pull the plug";
  for (const { li, to } of waiting.values())
    if (li.dataset.state === "pending" && to === channel) li.querySelector(".mark").textContent = state === "open" ? "on its way" : "waits for the line";
}

let shown = "";
function noted(text) {
  if (text === shown) return;
  shown = text;
  const li = document.createElement("li");
  put(li, "time", clock(Date.now(), "2-digit"));
  put(li, "span", text);
  $("states").prepend(li);
  while ($("states").childElementCount > 6) $("states").lastElementChild.remove();
}

encke.on("state", ({ state, transport, retryIn }) => {
  retryAt = performance.now() + (retryIn ?? 0);
  showState();
  if (state !== "connecting") noted(state === "open" ? `carried by ${WAYS[transport] ?? transport}` : state === "waiting" ? "no line" : state);
  if (state === "open") beat();
});
encke.on("error", error => noted(error.message));

const order = what => fetch(`plug?line=${line}&${what}`, { method: "POST" }).then(({ ok }) => ok, () => false);
async function plug(seconds) {
  clearTimeout(unplugged);
  if (!await order(`pull=${seconds}`)) return noted("the server does not answer");
  const pulled = seconds > 0;
  $("plug").ariaPressed = pulled;
  pluggedAt = performance.now() + 1000 * seconds;
  showState();
  noted(pulled ? "plug pulled" : "plug put back");
  if (pulled) unplugged = setTimeout(plug, 1000 * seconds, 0);
  // A browser says this when the network is back.
  else dispatchEvent(new Event("online"));
}
$("plug").onclick = () => plug($("plug").ariaPressed === "true" ? 0 : UNPLUGGED);
$("lose").onclick = () => { $("lose").ariaPressed = $("lose").ariaPressed !== "true"; };
$("transports").onchange = ({ target }) => encke.use(...(target.value === "auto" ? Object.keys(WAYS) : [target.value]));

/* What people do. */
$("say").onsubmit = event => {
  event.preventDefault();
  const text = $("text").value.trim();
  if (!text) return;
  say(text);
  $("text").value = "";
  typedAt = 0;
};
$("text").onkeydown = event => {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  $("say").requestSubmit();
};
$("text").oninput = () => {
  if (performance.now() - typedAt < TYPING / 2 && typedAt) return;
  typedAt = performance.now();
  beat({ types: true });
};
$("open").onsubmit = event => {
  event.preventDefault();
  const name = clean($("open-name").value);
  if (name) location.hash = encodeURIComponent(name);
  $("open-name").value = "";
};
$("newest").onclick = toEnd;
/* Who reads the newest still does when the list becomes smaller: a keyboard has come up. */
let staysAtEnd = true;
messages.onscroll = () => {
  staysAtEnd = atEnd();
  if (staysAtEnd) $("newest").hidden = true;
};
new ResizeObserver(() => staysAtEnd && toEnd()).observe(messages);
nameField.onchange = () => {
  nameField.value = myName();
  sessionStorage.setItem("name", myName());
  beat();
};
addEventListener("hashchange", enter);
addEventListener("pagehide", () => {
  const gone = JSON.stringify({ from: me, name: myName(), gone: true });
  navigator.sendBeacon(`${path("publish")}&channel=${encodeURIComponent(`${channel}.here`)}`, new Blob([gone], { type: "application/json" }));
});

const wide = matchMedia("(min-width: 64rem)");
wide.onchange = () => { $("line").open = wide.matches; };
wide.onchange();
encke.subscribe("chat.*.here", heartbeat, { since: `-${LEASE / 1000}s` });
encke.subscribe("chat.*", (_, { channel: from }) => {
  const known = hear(nameOf(from));
  if (from !== channel) known.unread++, showChannels();
});
enter();
showState();
setInterval(beat, BEAT);
setInterval(() => (showPeople(), showState()), 1000);
