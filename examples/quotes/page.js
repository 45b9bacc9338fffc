// Two hundred instruments, ten thousand updates a second. What comes is only remembered; what is seen is drawn once a frame.
import { Encke } from "./sdk/encke.mjs";
import { chart, spark } from "./chart.js";

const SPAN = 30_000, POINTS = 6000;
const SAMPLE = 250, SAMPLES = 240;
const ROW = 36, CALM = 250;
const WAYS = { ws: "WebSocket", sse: "server-sent events", longpoll: "long polling", poll: "polling" };

const $ = id => document.getElementById(id);
const money = price => (price / 100).toFixed(2);
const percent = change => `${change < 0 ? "−" : "+"}${Math.abs(100 * change).toFixed(2)} %`;
const counts = Object.fromEntries([...document.querySelectorAll("[data-count]")].map(node => [node.dataset.count, node]));
const show = (name, value) => {
  const text = typeof value === "number" ? value.toLocaleString("en") : value;
  if (counts[name].textContent !== text) counts[name].textContent = text;
};
const still = matchMedia("(prefers-reduced-motion: reduce)");

/* The feed. A handler touches no DOM: most of what it is told is old before it could be seen. */
const instruments = new Map();
let received = 0, gaps = 0, lost = 0, told = 0, twice = 0, delay = 0, toldUpTo = 0;
let chosen = null, order = [], stale = true;

function open(channel) {
  const one = { name: channel.slice("quotes.".length), number: 0, seq: 0, price: 0, change: 0, ring: new Float32Array(SAMPLES), at: 0, length: 0 };
  instruments.set(channel, one);
  stale = true;
  return one;
}

function update({ n, open: first, price }, { channel, seq, time }) {
  const one = instruments.get(channel) ?? open(channel);
  const missing = one.number && n - one.number - 1;
  if (missing < 0) twice++;
  else if (one.seq < toldUpTo) told += missing;
  else lost += missing;
  one.number = n;
  one.seq = seq;
  one.price = price;
  one.change = price / first - 1;
  if (one === chosen) line.add(performance.now(), price);
  if (++received % 500 === 0) delay = Date.now() - Date.parse(time);
}

function gap({ to, reason }) {
  gaps++;
  toldUpTo = Number(to.split("-")[1]);
  // A new server numbers from one.
  if (reason === "epoch") for (const one of instruments.values()) one.number = one.seq = 0;
}

// A stream of bytes has many messages in each piece that the browser hands over; a WebSocket has each in a frame and a task of its own.
const BEST = ["sse", "ws", "longpoll", "poll"];
const encke = new Encke("/", { transports: BEST });
encke.subscribe("quotes.*", update, { gap });

/* The table. Row i shows the i-th of what is asked for: rows never move, only their texts change. */
const scroll = $("scroll"), body = $("rows");
const rows = [];
let by = "name", down = false, chosenRow = -1, top = 0, seen = 0, other = 0, drawn = 0;
const compare = { name: (a, b) => a.name < b.name ? -1 : 1, price: (a, b) => a.price - b.price, change: (a, b) => a.change - b.change };

function makeRow(i) {
  const tr = document.createElement("tr");
  const cell = (tag, className, role) => tr.appendChild(Object.assign(document.createElement(tag), { className, role }));
  const text = node => node.appendChild(document.createTextNode(""));
  const name = cell("th", "name", "rowheader");
  const price = text(cell("td", "price", "gridcell")), changed = cell("td", "change", "gridcell");
  const minute = spark(cell("td", "minute", "gridcell"));
  tr.role = "row";
  tr.tabIndex = -1;
  tr.onclick = () => choose(i, true);
  return { tr, name: text(name), price, changed, change: text(changed), minute, one: null, number: 0 };
}

function arrange() {
  stale = false;
  const wanted = $("filter").value.trim().toLowerCase();
  order = [...instruments.values()].filter(({ name }) => name.toLowerCase().includes(wanted)).sort(compare[by]);
  if (down) order.reverse();
  while (rows.length < order.length) {
    rows.push(makeRow(rows.length));
    body.append(rows.at(-1).tr);
  }
  rows.forEach(({ tr }, i) => { if (tr.hidden !== i >= order.length) tr.hidden = i >= order.length; });
  const found = wanted && `${order.length || "No"} of ${instruments.size} shown`;
  if ($("found").textContent !== found) $("found").textContent = found;
  chosen ??= order[0] ?? null;
  mark();
}

function draw(row, one) {
  if (row.one === one && row.number === one.number) return;
  if (row.one !== one) {
    row.name.data = row.tr.dataset.name = one.name;
    row.one = one;
    row.minute(one.ring, one.at, one.length);
  }
  row.number = one.number;
  row.price.data = money(one.price);
  row.change.data = percent(one.change);
  const way = one.change < 0 ? "down" : "up";
  if (row.changed.dataset.way !== way) row.changed.dataset.way = way;
  drawn++;
}

/* The chosen one. */
const line = chart($("chart"), SPAN, POINTS);
function mark() {
  const row = order.indexOf(chosen);
  const was = rows[chosenRow]?.tr, is = rows[row >= 0 ? row : 0]?.tr;
  if (was && was !== is) was.ariaSelected = "false", was.tabIndex = -1;
  if (is) is.ariaSelected = row >= 0, is.tabIndex = 0;
  chosenRow = row >= 0 ? row : 0;
  if (chosen && $("chosen-name").textContent !== chosen.name) {
    $("chosen-name").textContent = chosen.name;
    // What is told about the chart is told anew.
    seconds = 0;
    line.clear();
    for (let i = Math.max(0, chosen.length - SPAN / SAMPLE); i < chosen.length; i++)
      line.add(performance.now() - (chosen.length - i) * SAMPLE, chosen.ring[(chosen.at + i) % SAMPLES]);
  }
}

function choose(i, focus) {
  if (!order.length) return;
  const row = Math.max(0, Math.min(order.length - 1, i));
  chosen = order[row];
  mark();
  if (focus) rows[row].tr.focus();
}

const say = (node, text) => { if (node.textContent !== text) node.textContent = text; };
function drawChosen(now) {
  line.draw(now, still.matches ? 1 : .15, money);
  say($("chosen-price"), money(chosen.price));
  say($("chosen-change"), percent(chosen.change));
  $("chosen-change").dataset.way = chosen.change < 0 ? "down" : "up";
}

let frames = 0, drewAt = 0;
function frame(now) {
  requestAnimationFrame(frame);
  frames++;
  if (still.matches && now - drewAt < CALM) return;
  drewAt = now;
  if (stale) arrange();
  const last = Math.min(order.length, top + seen);
  for (let i = top; i < last; i++) draw(rows[i], order[i]);
  // One more that is not seen, so that nothing in the document grows old.
  if (order.length) draw(rows[other %= order.length], order[other++]);
  if (chosen) drawChosen(performance.now());
}
requestAnimationFrame(frame);

/* What is measured once, and not in each frame. */
const look = () => {
  top = Math.floor(scroll.scrollTop / ROW);
  seen = Math.ceil(scroll.clientHeight / ROW) + 1;
};
scroll.addEventListener("scroll", look, { passive: true });
new ResizeObserver(look).observe(scroll);

let turn = 0;
setInterval(() => {
  for (const one of instruments.values()) {
    one.ring[(one.at + one.length) % SAMPLES] = one.price;
    if (one.length < SAMPLES) one.length++;
    else one.at = (one.at + 1) % SAMPLES;
  }
  // A quarter of the small lines each time.
  turn++;
  for (let i = top; i < Math.min(order.length, top + seen); i++)
    if (i % 4 === turn % 4) rows[i].minute(order[i].ring, order[i].at, order[i].length);
}, SAMPLE);

/* Once a second: the counters; and the order, unless somebody goes through it. */
let longTasks = 0, canSee = globalThis.PerformanceObserver?.supportedEntryTypes?.includes("longtask");
if (canSee) new PerformanceObserver(list => { longTasks += list.getEntries().length; }).observe({ type: "longtask" });
let before = { at: performance.now(), received: 0, drawn: 0, frames: 0 }, seconds = 0;
setInterval(() => {
  const at = performance.now(), now = { at, received, drawn, frames };
  for (const name of ["received", "drawn", "frames"]) show(name, Math.round(1000 * (now[name] - before[name]) / (at - before.at)));
  before = now;
  show("all", received);
  show("gaps", gaps);
  show("lost", lost);
  show("told", told);
  show("twice", twice);
  show("instruments", instruments.size);
  show("delay", received ? `${Math.max(0, delay)} ms` : "–");
  show("long", canSee ? longTasks : "not told");
  for (const name of ["gaps", "lost", "twice"]) counts[name].classList.toggle("bad", counts[name].textContent !== "0");
  if (by !== "name" && !body.contains(document.activeElement)) stale = true;
  if (!chosen) return;
  const [least, highest] = line.range();
  say($("chosen-range"), Number.isFinite(least) ? `30 s: ${money(least)} to ${money(highest)}` : "");
  if (seconds++ % 5 === 0) $("chart").ariaLabel = `${chosen.name}, the last 30 seconds: from ${money(least)} to ${money(highest)}, now ${money(chosen.price)}`;
}, 1000);

/* What people do. */
$("filter").oninput = () => { stale = true; scroll.scrollTop = 0; };
for (const button of document.querySelectorAll("[data-sort]")) button.onclick = () => {
  down = by === button.dataset.sort ? !down : button.dataset.sort !== "name";
  by = button.dataset.sort;
  for (const th of document.querySelectorAll("[aria-sort]")) th.ariaSort = "none";
  button.parentElement.ariaSort = down ? "descending" : "ascending";
  stale = true;
};
body.onkeydown = event => {
  const page = Math.max(1, seen - 2);
  const to = { ArrowDown: chosenRow + 1, ArrowUp: chosenRow - 1, PageDown: chosenRow + page, PageUp: chosenRow - page, Home: 0, End: order.length - 1 }[event.key];
  if (to === undefined) return;
  event.preventDefault();
  choose(to, true);
};
$("transport").onchange = ({ target: { value } }) => encke.use(...(value === "auto" ? BEST : [value]));
$("freeze").onclick = () => {
  const end = performance.now() + 2000;
  while (performance.now() < end);
};
const showState = () => {
  const { state, transport } = encke;
  const text = state === "open" ? `Connected by ${WAYS[transport] ?? transport}` : state === "waiting" ? "No line" : "Connecting…";
  say($("state"), text);
  say($("short"), text);
  Object.assign($("line").dataset, { state, transport: transport ?? "" });
};
encke.on("state", showState);
showState();
const wide = matchMedia("(min-width: 64rem)");
wide.onchange = () => { $("line").open = wide.matches; };
wide.onchange();
