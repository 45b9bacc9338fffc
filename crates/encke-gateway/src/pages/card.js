
/* A card: where its transport is, what came, and its row in the table. */

const ROWS = 8, REMEMBERED = 8192, WINDOW = 200, DOTS = 60, STEADY_STATE = 5000, DRAW_EVERY = 100, DECADES = 5;
const WHY = { epoch: "the gateway began a new log", trimmed: "older messages were dropped",
  future: "the cursor was ahead of the log", slow: "this reader was too slow" };
const $ = id => document.getElementById(id);
const inMs = ms => ms < 10 ? `${ms.toFixed(1)} ms` : ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`;
const few = number => number < .1 ? number.toPrecision(1) : number < 10 ? number.toFixed(2) : Math.round(number).toLocaleString("en");
/* On the scale of all charts, from 0 at 1 ms to 1 at 100 s. */
const onScale = ms => Math.min(1, Math.max(0, Math.log10(ms) / DECADES));

const published = new Map();            // cursor -> when this page published it
const bound = map => { if (map.size > REMEMBERED) map.delete(map.keys().next().value); };
const place = cursor => { const at = cursor.lastIndexOf("-"); return [cursor.slice(0, at), Number(cursor.slice(at + 1))]; };
const copyOf = id => $(id).content.cloneNode(true).firstElementChild;

class Card {
  middleman = new Middleman();

  constructor(kind) {
    this.kind = kind;
    this.name = kind.name;
    this.node = copyOf("card");
    this.row = copyOf("row");
    const find = selector => this.node.querySelector(selector);
    const parts = { list: "ol", note: ".note", cutter: ".cut", proxy: ".proxy", label: ".state", about: ".about p", every: ".about label",
      held: ".held", filled: ".held i", figure: ".held span", code: "code", dots: ".dots", chart: "svg" };
    for (const [part, selector] of Object.entries(parts)) this[part] = find(selector);
    this.shown = [...this.node.querySelectorAll("[data-show]")];
    find("h2").textContent = this.row.querySelector("th span").textContent = kind.name;
    find("h2").id = kind.name.toLowerCase();
    this.code.id = `${find("h2").id}-command`;
    find(".why p").textContent = kind.behind;
    find(".why p").id = `${find("h2").id}-behind`;
    find("details button").dataset.copy = this.code.id;
    this.node.setAttribute("aria-labelledby", find("h2").id);
    for (const node of [this.list, this.cutter, find("summary"), find("details button")]) node.setAttribute("aria-describedby", find("h2").id);
    this.proxy.setAttribute("aria-describedby", `${find("h2").id} ${find(".why p").id}`);
    this.proxy.disabled = kind.upgrades;
    this.cutter.onclick = () => this.state === "cut" ? this.start() : (this.stop(), this.show("cut"));
    this.proxy.onclick = () => this.buffer(!this.middleman.on);
    if (kind.name === "Poll") this.every.firstElementChild.onchange = ({ target }) => this.setEvery(Number(target.value));
    else this.every.remove();
    this.transport = kind.make(this);
    this.reset(null);
    $("cards").append(this.node);
    $("rows").append(this.row);
  }

  reset(cursor) {
    this.stop();
    Object.assign(this, { cursor, last: cursor && place(cursor)[1], received: 0, missed: 0, repeated: 0, gaps: 0, requests: 0,
      bytes: 0, tries: 0, delays: [], rows: [], unsettled: new Map() });
    this.list.replaceChildren();
    this.about.textContent = this.kind.about();
    this.code.textContent = this.kind.command();
    this.show("connecting");
  }

  start() {
    this.running = true;
    this.show("connecting");
    this.transport.start(this.cursor);
  }

  stop() {
    this.running = false;
    clearTimeout(this.timer);
    this.middleman.drop();
    this.transport.stop();
  }

  pause() {
    if (this.state === "cut") return;
    this.stop();
    this.show("paused");
  }

  buffer(on) {
    this.middleman.turn(on);
    this.proxy.setAttribute("aria-pressed", on);
    this.paint();
  }

  setEvery(seconds) {
    pollEvery = seconds;
    this.about.textContent = this.kind.about();
    if (this.running) this.stop(), this.start();
  }

  asked() { this.requests++; this.paint(); }

  live() {
    if (this.state !== "live") this.show("live");
  }

  waiting(why) { this.show("waiting", why); }

  lost(why, ms = 0) {
    if (this.state === "live" && performance.now() - this.since > STEADY_STATE) this.tries = 0;
    this.stop();
    const backoff = Math.min(30000, 1000 * 2 ** this.tries++) * (0.5 + Math.random() / 2);
    const wait = Math.max(ms, backoff);
    this.waiting(`${why}; again in ${inMs(wait)}`);
    this.timer = setTimeout(() => this.start(), wait);
  }

  pass(bytes, give) {
    this.middleman.pass(bytes, () => { this.bytes += bytes; give(); });
    this.paint();
  }

  ended() { this.middleman.end(); }

  moved(cursor) { this.cursor = cursor; this.paint(); }

  take(item) {
    if (item.type === "gap") this.gap(item);
    else this.message(item);
  }

  gap({ from, to, reason }) {
    this.gaps++;
    this.moved(to);
    this.last = place(to)[1];
    this.rows.push({ breaks: "gap", text: `Gap: ${WHY[reason] ?? reason}. ${from} → ${to}` });
  }

  message({ seq, prev, cursor, data }) {
    const sameEpoch = place(cursor)[0] === place(this.cursor)[0];
    if (sameEpoch && seq <= this.last) {
      this.repeated++;
      return this.rows.push({ breaks: "lost", text: `Repeated: #${seq}` });
    }
    if (!sameEpoch || prev > this.last) {
      this.missed++;
      this.rows.push({ breaks: "lost", text: `Missed: #${prev}, and nothing told it` });
    }
    this.received++;
    this.last = seq;
    this.moved(cursor);
    const row = { seq, text: typeof data === "string" ? data : JSON.stringify(data), at: performance.now() };
    this.rows.push(row);
    this.unsettled.set(cursor, row);
    bound(this.unsettled);
    this.settle(cursor);
    arrived();
  }

  /* The delay is known when both the message and the answer to its publish are here, whichever comes first. */
  settle(cursor) {
    const row = this.unsettled.get(cursor), sent = published.get(cursor);
    if (!row || sent === undefined) return;
    this.unsettled.delete(cursor);
    row.delay = inMs(row.at - sent);
    if (row.cell) row.cell.textContent = row.delay;
    this.delays.push(row.at - sent);
    if (this.delays.length > WINDOW) this.delays.shift();
    this.paint();
  }

  show(state, note = "") {
    this.state = this.node.dataset.state = this.label.textContent = state;
    this.note.textContent = note;
    this.since = performance.now();
    this.cutter.textContent = state === "cut" ? "Resume" : "Cut";
    this.paint();
  }

  paint() {
    undrawn.add(this);
    soon ??= setTimeout(drawAll, Math.max(0, drawn + DRAW_EVERY - performance.now()));
  }

  draw() {
    const sorted = this.delays.toSorted((a, b) => a - b);
    const quantile = part => sorted[Math.ceil(part * sorted.length) - 1];
    this.figures = { p50: quantile(.5), p99: quantile(.99), requests: this.received ? this.requests / this.received : undefined,
      bytes: this.received ? this.bytes / this.received : undefined };
    const { p50, p99, bytes } = this.figures;
    const values = { ...this, cursor: this.cursor ?? "–", p50: p50 === undefined ? "–" : inMs(p50), p99: p99 === undefined ? "–" : inMs(p99),
      each: bytes === undefined ? "–" : Math.round(bytes) };
    for (const node of this.shown) node.textContent = values[node.dataset.show];
    for (const [name, mark] of [["missed", "bad"], ["repeated", "bad"], ["gaps", "warn"]])
      this.shown.find(node => node.dataset.show === name).classList.toggle(mark, this[name] > 0);
    this.drawChart();
    this.held.hidden = !this.middleman.on;
    this.figure.textContent = `It holds ${this.middleman.waiting.toLocaleString("en")} bytes.`;
    this.filled.style.width = `${100 * this.middleman.waiting / BLOCK}%`;
    this.list.prepend(...this.rows.splice(0).slice(-ROWS).reverse().map(rowNode));
    while (this.list.children.length > ROWS) this.list.lastChild.remove();
  }

  drawChart() {
    const last = this.delays.slice(-DOTS), first = DOTS - last.length;
    this.dots.setAttribute("d", last.map((ms, at) => `M${first + at + .5} ${(50 - 50 * onScale(ms)).toFixed(1)}h0`).join(""));
    this.chart.setAttribute("aria-label", last.length
      ? `Last ${last.length} delays: from ${inMs(Math.min(...last))} to ${inMs(Math.max(...last))}, the newest ${inMs(last.at(-1))}`
      : "No delay yet");
  }
}

/* The first change is drawn at once, the next not before one can have read it. */
const undrawn = new Set();
let soon = null, drawn = 0;
function drawAll() {
  soon = null;
  drawn = performance.now();
  undrawn.forEach(card => card.draw());
  undrawn.clear();
  compare();
}

/* The table. Delay is on the scale of the charts, the others from nothing to the largest. */
function compare() {
  const most = name => Math.max(...cards.map(card => card.figures?.[name] ?? 0)) || 1;
  const [requests, bytes] = [most("requests"), most("bytes")];
  for (const { row, middleman, figures } of cards.filter(card => card.figures)) {
    row.querySelector("small").hidden = !middleman.on;
    const { p50, p99 } = figures;
    const bars = [[onScale(p99), onScale(p50)], [figures.requests / requests], [figures.bytes / bytes]];
    const texts = [p50 === undefined ? "–" : inMs(p50), ...[figures.requests, figures.bytes].map(figure => figure === undefined ? "–" : few(figure))];
    row.querySelectorAll(".cell").forEach((cell, at) => {
      cell.firstElementChild.textContent = texts[at];
      cell.querySelectorAll("i").forEach((bar, nth) => { bar.style.width = `${100 * (bars[at][nth] || 0)}%`; });
    });
  }
}

function cell(name, text) {
  const node = document.createElement("span");
  node.className = name;
  node.textContent = text;
  return node;
}

function rowNode(row) {
  const node = document.createElement("li");
  if (row.breaks) {
    node.className = `break ${row.breaks}`;
    node.textContent = row.text;
    return node;
  }
  row.cell = cell("time", row.delay ?? "");
  node.append(cell("seq", `#${row.seq}`), cell("text", row.text), row.cell);
  node.title = row.text;
  return node;
}
